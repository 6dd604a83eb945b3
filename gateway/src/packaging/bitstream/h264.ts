import { BitReader } from './bits.ts';
import { unescapeNal } from './nal.ts';

export const H264Nal = { idr: 5, sps: 7, pps: 8, delimiter: 9, endOfSequence: 10, endOfStream: 11, filler: 12 } as const;

/** The type of a NAL unit. */
export function h264NalType(unit: Uint8Array): number {
  return (unit[0] ?? 0) & 31;
}

/** What an SPS promises and a decoder prepares for. */
export interface VideoLimits {
  readonly profile: number;
  readonly level: number;
  readonly width: number;
  readonly height: number;
}

/** The decoder configuration of an avc1 sample entry. */
export interface AvcConfig {
  readonly lengthSize: number;
  readonly sps: readonly Uint8Array[];
  readonly pps: readonly Uint8Array[];
}

const WITH_CHROMA_FORMAT: ReadonlySet<number> = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

interface ChromaFormat {
  readonly format: number;
  readonly lumaDepth: number;
  readonly chromaDepth: number;
}

/** Reads profile, level and the coded size (before cropping) of an SPS unit. */
export function parseH264Sps(unit: Uint8Array): VideoLimits & ChromaFormat {
  const reader = new BitReader(unescapeNal(unit.subarray(1)));
  const profile = reader.bits(8);
  reader.skip(8);
  const level = reader.bits(8);
  reader.unsigned();
  const chroma = WITH_CHROMA_FORMAT.has(profile) ? readChroma(reader) : { format: 1, lumaDepth: 8, chromaDepth: 8 };
  reader.unsigned();
  const orderType = reader.unsigned();
  if (orderType === 0) reader.unsigned();
  else if (orderType === 1) skipOrderCycle(reader);
  reader.unsigned();
  reader.skip(1);
  const width = (reader.unsigned() + 1) * 16;
  const mapUnits = reader.unsigned() + 1;
  const framesOnly = reader.flag();
  return { profile, level, width, height: mapUnits * 16 * (framesOnly ? 1 : 2), ...chroma };
}

function readChroma(reader: BitReader): ChromaFormat {
  const format = reader.unsigned();
  if (format === 3) reader.skip(1);
  const lumaDepth = reader.unsigned() + 8;
  const chromaDepth = reader.unsigned() + 8;
  reader.skip(1);
  if (reader.flag()) {
    for (let list = 0; list < (format === 3 ? 12 : 8); list += 1) {
      if (reader.flag()) skipScalingList(reader, list < 6 ? 16 : 64);
    }
  }
  return { format, lumaDepth, chromaDepth };
}

function skipScalingList(reader: BitReader, size: number): void {
  let last = 8;
  for (let i = 0; i < size; i += 1) {
    const next = (last + reader.signed() + 256) % 256;
    if (next === 0) return;
    last = next;
  }
}

function skipOrderCycle(reader: BitReader): void {
  reader.skip(1);
  reader.signed();
  reader.signed();
  const count = Math.min(255, reader.unsigned());
  for (let i = 0; i < count; i += 1) reader.signed();
}

/** Parses an avcC box's content; null when it is none. */
export function parseAvcConfig(bytes: Uint8Array): AvcConfig | null {
  if (bytes[0] !== 1 || bytes.length < 7) return null;
  const lengthSize = ((bytes[4] ?? 0) & 3) + 1;
  const sets: Uint8Array[][] = [[], []];
  let at = 5;
  for (const [kind, list] of sets.entries()) {
    const count = (bytes[at++] ?? 0) & (kind === 0 ? 31 : 255);
    for (let i = 0; i < count; i += 1) {
      const length = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
      if (at + 2 + length > bytes.length) return null;
      list.push(bytes.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
  }
  const [sps = [], pps = []] = sets;
  return { lengthSize, sps, pps };
}

/** The SPS and PPS units among others, or null when either is missing. */
export function avcConfigOf(units: readonly Uint8Array[]): AvcConfig | null {
  const sps = units.filter((unit) => h264NalType(unit) === H264Nal.sps);
  const pps = units.filter((unit) => h264NalType(unit) === H264Nal.pps);
  return sps.length > 0 && pps.length > 0 ? { lengthSize: 4, sps, pps } : null;
}

/** The content of an avcC box; lengths in samples take 4 bytes. */
export function writeAvcConfig(config: AvcConfig): Uint8Array {
  const first = config.sps[0];
  if (!first) throw new RangeError('an avcC needs an SPS');
  const bytes = [1, first[1] ?? 0, first[2] ?? 0, first[3] ?? 0, 0xff, 0xe0 | config.sps.length];
  const pushSet = (unit: Uint8Array) => bytes.push(unit.length >> 8, unit.length & 255, ...unit);
  config.sps.forEach(pushSet);
  bytes.push(config.pps.length);
  config.pps.forEach(pushSet);
  const sps = parseH264Sps(first);
  if (WITH_CHROMA_FORMAT.has(sps.profile)) bytes.push(0xfc | sps.format, 0xf8 | (sps.lumaDepth - 8), 0xf8 | (sps.chromaDepth - 8), 0);
  return Uint8Array.from(bytes);
}
