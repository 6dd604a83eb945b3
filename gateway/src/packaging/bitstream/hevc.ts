import { BitReader } from './bits.ts';
import type { VideoLimits } from './h264.ts';
import { unescapeNal } from './nal.ts';

export const HevcNal = { idrWithLeading: 19, idrWithout: 20, vps: 32, sps: 33, pps: 34, delimiter: 35, filler: 38 } as const;

/** The type of a NAL unit. */
export function hevcNalType(unit: Uint8Array): number {
  return ((unit[0] ?? 0) >> 1) & 63;
}

/** The parameter sets of an hvcC box. */
export interface HevcConfig {
  readonly lengthSize: number;
  /** VPS, SPS and PPS units in the order they must be sent. */
  readonly sets: readonly Uint8Array[];
}

/** Parses an hvcC box's content; null when it is none. */
export function parseHevcConfig(bytes: Uint8Array): HevcConfig | null {
  if (bytes[0] !== 1 || bytes.length < 23) return null;
  const sets: Uint8Array[] = [];
  let at = 23;
  for (let arrays = bytes[22] ?? 0; arrays > 0; arrays -= 1) {
    const type = (bytes[at] ?? 0) & 63;
    const count = ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    at += 3;
    for (let i = 0; i < count; i += 1) {
      const length = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
      if (at + 2 + length > bytes.length) return null;
      if (type >= HevcNal.vps && type <= HevcNal.pps) sets.push(bytes.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
  }
  sets.sort((a, b) => hevcNalType(a) - hevcNalType(b));
  return { lengthSize: ((bytes[21] ?? 0) & 3) + 1, sets };
}

interface SampleFormat {
  readonly chroma: number;
  readonly lumaDepth: number;
  readonly chromaDepth: number;
}

/** Reads profile, level, size and sample format of an SPS unit. */
export function parseHevcSps(unit: Uint8Array): VideoLimits & SampleFormat {
  const reader = new BitReader(unescapeNal(unit.subarray(2)));
  reader.skip(4);
  const subLayers = reader.bits(3);
  reader.skip(1);
  reader.skip(3);
  const profile = reader.bits(5);
  reader.skip(32 + 48);
  const level = reader.bits(8);
  skipSubLayers(reader, subLayers);
  reader.unsigned();
  const chroma = reader.unsigned();
  if (chroma === 3) reader.skip(1);
  const width = reader.unsigned();
  const height = reader.unsigned();
  // Cropping: four numbers.
  if (reader.flag()) for (let side = 0; side < 4; side += 1) reader.unsigned();
  return { profile, level, width, height, chroma, lumaDepth: reader.unsigned() + 8, chromaDepth: reader.unsigned() + 8 };
}

/** The VPS, SPS and PPS units among others, or null when one kind is missing. */
export function hevcConfigOf(units: readonly Uint8Array[]): HevcConfig | null {
  const kinds = [HevcNal.vps, HevcNal.sps, HevcNal.pps].map((type) => units.filter((unit) => hevcNalType(unit) === type));
  return kinds.every((found) => found.length > 0) ? { lengthSize: 4, sets: kinds.flat() } : null;
}

/** The content of an hvcC box; lengths in samples take 4 bytes. @throws RangeError without an SPS */
export function writeHevcConfig({ sets }: HevcConfig): Uint8Array {
  const first = sets.find((set) => hevcNalType(set) === HevcNal.sps);
  if (!first) throw new RangeError('an hvcC needs an SPS');
  const plain = unescapeNal(first.subarray(2));
  const { chroma, lumaDepth, chromaDepth } = parseHevcSps(first);
  const layers = (((plain[0] ?? 0) >> 1) & 7) + 1;
  const nested = (plain[0] ?? 0) & 1;
  // Profile, compatibility, constraints and level lie in the SPS as the box wants them: 12 bytes.
  const bytes = [
    1, ...plain.subarray(1, 13), 0xf0, 0, 0xfc, 0xfc | chroma, 0xf8 | (lumaDepth - 8), 0xf8 | (chromaDepth - 8), 0, 0, (layers << 3) | (nested << 2) | 3,
  ];
  const kinds = [HevcNal.vps, HevcNal.sps, HevcNal.pps].map((type) => [type, sets.filter((set) => hevcNalType(set) === type)] as const);
  bytes.push(kinds.length);
  for (const [type, units] of kinds) {
    bytes.push(0x80 | type, units.length >> 8, units.length & 255);
    for (const unit of units) bytes.push(unit.length >> 8, unit.length & 255, ...unit);
  }
  return Uint8Array.from(bytes);
}

function skipSubLayers(reader: BitReader, count: number): void {
  const present: [profile: boolean, level: boolean][] = [];
  for (let i = 0; i < count; i += 1) present.push([reader.flag(), reader.flag()]);
  if (count > 0) reader.skip(2 * (8 - count));
  for (const [profile, level] of present) reader.skip((profile ? 88 : 0) + (level ? 8 : 0));
}
