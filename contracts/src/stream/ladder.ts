import type { MediaStream } from '../media/media-info.ts';
import { rationalValue } from '../media/media-info.ts';

/** One rung of the ladder as it is encoded: H.264 in the size on screen, never larger than the source. */
export interface Rung {
  /** Rendition id in URLs: `h` and the height of its class, such as `h720`. */
  readonly id: string;
  readonly width: number;
  readonly height: number;
  /** kbit/s: the average aimed at and the cap that the playlist may promise. */
  readonly videoKbps: number;
  readonly maxKbps: number;
}

interface RungClass {
  readonly height: number;
  readonly videoKbps: number;
  readonly maxKbps: number;
}

/** kbit/s at up to 30 pictures a second, lowest first; the peak is at most twice the average (HLS authoring rules, 1.30). */
const CLASSES: readonly RungClass[] = [
  { height: 240, videoKbps: 400, maxKbps: 700 },
  { height: 360, videoKbps: 800, maxKbps: 1_400 },
  { height: 480, videoKbps: 1_400, maxKbps: 2_400 },
  { height: 720, videoKbps: 2_800, maxKbps: 4_500 },
  { height: 1080, videoKbps: 5_000, maxKbps: 8_000 },
  { height: 1440, videoKbps: 9_600, maxKbps: 12_000 },
  { height: 2160, videoKbps: 16_000, maxKbps: 28_000 },
];
const HIGH_FRAME_RATE = 35;
const HIGH_FRAME_RATE_FACTOR = 1.5;

const even = (value: number): number => Math.max(2, Math.round(value / 2) * 2);

/**
 * The rungs for a source, lowest first: every class below it and one of its own size, by the smaller side, so that a
 * portrait film has the same rungs. Empty when the size is not known.
 */
export function ladderFor(stream: Pick<MediaStream, 'displayWidth' | 'displayHeight' | 'frameRate'>): Rung[] {
  const { displayWidth, displayHeight } = stream;
  if (!displayWidth || !displayHeight) return [];
  const side = Math.min(displayWidth, displayHeight);
  const factor = rationalValue(stream.frameRate) > HIGH_FRAME_RATE ? HIGH_FRAME_RATE_FACTOR : 1;
  const largest = CLASSES.at(-1)?.height ?? side;
  const own = CLASSES.find(({ height }) => height >= side) ?? CLASSES.at(-1);
  return CLASSES.filter((rung) => rung.height < side || rung === own).map((rung): Rung => {
    const target = Math.min(rung.height, side, largest);
    const scale = target / side;
    return {
      id: `h${rung.height}`,
      width: even(displayWidth * scale),
      height: even(displayHeight * scale),
      videoKbps: Math.round(rung.videoKbps * factor),
      maxKbps: Math.round(rung.maxKbps * factor),
    };
  });
}
