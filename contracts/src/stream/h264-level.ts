/** H.264 Table A-1: what a level allows, lowest first. */
interface Level {
  /** Times ten. */
  readonly level: number;
  readonly maxBlocksPerSecond: number;
  readonly maxBlocks: number;
  /** kbit/s in profile High. */
  readonly maxKbps: number;
}

const LEVELS: readonly Level[] = [
  { level: 13, maxBlocksPerSecond: 11_880, maxBlocks: 396, maxKbps: 960 },
  { level: 21, maxBlocksPerSecond: 19_800, maxBlocks: 792, maxKbps: 5_000 },
  { level: 30, maxBlocksPerSecond: 40_500, maxBlocks: 1_620, maxKbps: 12_500 },
  { level: 31, maxBlocksPerSecond: 108_000, maxBlocks: 3_600, maxKbps: 17_500 },
  { level: 32, maxBlocksPerSecond: 216_000, maxBlocks: 5_120, maxKbps: 25_000 },
  { level: 40, maxBlocksPerSecond: 245_760, maxBlocks: 8_192, maxKbps: 25_000 },
  { level: 42, maxBlocksPerSecond: 522_240, maxBlocks: 8_704, maxKbps: 62_500 },
  { level: 50, maxBlocksPerSecond: 589_824, maxBlocks: 22_080, maxKbps: 168_750 },
  { level: 51, maxBlocksPerSecond: 983_040, maxBlocks: 36_864, maxKbps: 300_000 },
  { level: 52, maxBlocksPerSecond: 2_073_600, maxBlocks: 36_864, maxKbps: 300_000 },
  { level: 62, maxBlocksPerSecond: 16_711_680, maxBlocks: 139_264, maxKbps: 960_000 },
];

/** The lowest level, times ten, that holds pictures of a size, rate and bitrate. */
export function h264Level(picture: { width: number; height: number; framesPerSecond: number; maxKbps: number }): number {
  const blocks = Math.ceil(picture.width / 16) * Math.ceil(picture.height / 16);
  const found = LEVELS.find((level) => blocks <= level.maxBlocks && blocks * picture.framesPerSecond <= level.maxBlocksPerSecond && picture.maxKbps <= level.maxKbps);
  return (found ?? LEVELS.at(-1))?.level ?? 62;
}

/** RFC 6381 for profile High. */
export function h264CodecString(level: number): string {
  return `avc1.6400${level.toString(16).padStart(2, '0')}`;
}
