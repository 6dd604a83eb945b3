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

/** Reads profile, level and size of an SPS unit. */
export function parseHevcSps(unit: Uint8Array): VideoLimits {
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
  if (reader.unsigned() === 3) reader.skip(1);
  return { profile, level, width: reader.unsigned(), height: reader.unsigned() };
}

function skipSubLayers(reader: BitReader, count: number): void {
  const present: [profile: boolean, level: boolean][] = [];
  for (let i = 0; i < count; i += 1) present.push([reader.flag(), reader.flag()]);
  if (count > 0) reader.skip(2 * (8 - count));
  for (const [profile, level] of present) reader.skip((profile ? 88 : 0) + (level ? 8 : 0));
}
