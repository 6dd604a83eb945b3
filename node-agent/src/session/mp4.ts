/** Just enough of ISO/IEC 14496-12 to cut, check and renumber the fragments that ffmpeg writes. No I/O. */

export interface Box {
  readonly type: string;
  /** Offset of the box and of its content, and its end, in the bytes searched. */
  readonly start: number;
  readonly content: number;
  readonly end: number;
}

export interface Sample {
  readonly durationTicks: number;
  readonly sizeBytes: number;
  readonly isSync: boolean;
}

const HEADER_BYTES = 8;
const NON_SYNC = 0x0001_0000;
const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Size and type of the box at an offset; null when its header is not there yet. Sizes of 64 bits do not occur in fragments. */
export function boxHeader(bytes: Uint8Array, offset: number): { type: string; sizeBytes: number } | null {
  if (bytes.length < offset + HEADER_BYTES) return null;
  return { sizeBytes: view(bytes).getUint32(offset), type: String.fromCharCode(...bytes.subarray(offset + 4, offset + HEADER_BYTES)) };
}

/** The boxes between two offsets. */
function boxes(bytes: Uint8Array, from = 0, to = bytes.length): Box[] {
  const found: Box[] = [];
  for (let at = from; at < to;) {
    const header = boxHeader(bytes, at);
    if (header === null || header.sizeBytes < HEADER_BYTES || at + header.sizeBytes > to) break;
    found.push({ type: header.type, start: at, content: at + HEADER_BYTES, end: at + header.sizeBytes });
    at += header.sizeBytes;
  }
  return found;
}

/** The first box along a path of types. */
export function findBox(bytes: Uint8Array, path: readonly string[], from = 0, to = bytes.length): Box | null {
  const [type, ...rest] = path;
  const box = boxes(bytes, from, to).find((candidate) => candidate.type === type) ?? null;
  return box === null || rest.length === 0 ? box : findBox(bytes, rest, box.content, box.end);
}

interface Defaults {
  durationTicks: number;
  sizeBytes: number;
  flags: number;
}

function fragmentDefaults(moof: Uint8Array, tfhd: Box): Defaults {
  const data = view(moof);
  const flags = data.getUint32(tfhd.content) & 0xff_ffff;
  let at = tfhd.content + 8 + ((flags & 0x1) === 0 ? 0 : 8) + ((flags & 0x2) === 0 ? 0 : 4);
  const next = (bit: number): number => {
    if ((flags & bit) === 0) return 0;
    at += 4;
    return data.getUint32(at - 4);
  };
  return { durationTicks: next(0x8), sizeBytes: next(0x10), flags: next(0x20) };
}

/** The samples of a fragment's one track, in decode order. Empty for a fragment of another shape. */
export function fragmentSamples(moof: Uint8Array): Sample[] {
  const tfhd = findBox(moof, ['moof', 'traf', 'tfhd']);
  const trun = findBox(moof, ['moof', 'traf', 'trun']);
  if (tfhd === null || trun === null) return [];
  const defaults = fragmentDefaults(moof, tfhd);
  const data = view(moof);
  const flags = data.getUint32(trun.content) & 0xff_ffff;
  const count = data.getUint32(trun.content + 4);
  let at = trun.content + 8 + ((flags & 0x1) === 0 ? 0 : 4);
  const take = (bit: number, otherwise: number): number => {
    if ((flags & bit) === 0) return otherwise;
    at += 4;
    return data.getUint32(at - 4);
  };
  const firstFlags = take(0x4, defaults.flags);
  return Array.from({ length: count }, (_, index): Sample => {
    const durationTicks = take(0x100, defaults.durationTicks);
    const sizeBytes = take(0x200, defaults.sizeBytes);
    const sampleFlags = take(0x400, index === 0 ? firstFlags : defaults.flags);
    take(0x800, 0);
    return { durationTicks, sizeBytes, isSync: (sampleFlags & NON_SYNC) === 0 };
  });
}

/** Puts a fragment at its place: sequence number and decode time. Changes the bytes. @throws RangeError for a 32-bit tfdt that would overflow */
export function placeFragment(moof: Uint8Array, sequenceNumber: number, startTicks: number): void {
  const mfhd = findBox(moof, ['moof', 'mfhd']);
  const tfdt = findBox(moof, ['moof', 'traf', 'tfdt']);
  if (mfhd === null || tfdt === null) throw new RangeError('not a fragment');
  const data = view(moof);
  data.setUint32(mfhd.content + 4, sequenceNumber);
  if (data.getUint8(tfdt.content) === 1) data.setBigUint64(tfdt.content + 4, BigInt(startTicks));
  else if (startTicks <= 0xffff_ffff) data.setUint32(tfdt.content + 4, startTicks);
  else throw new RangeError('the fragment has no room for its time');
}

function box(type: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const sizeBytes = HEADER_BYTES + parts.reduce((sum, part) => sum + part.length, 0);
  const bytes = new Uint8Array(sizeBytes);
  view(bytes).setUint32(0, sizeBytes);
  for (let i = 0; i < 4; i += 1) bytes[4 + i] = type.charCodeAt(i);
  let at = HEADER_BYTES;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const words = (...values: readonly number[]): Uint8Array => {
  const bytes = new Uint8Array(values.length * 4);
  for (const [i, value] of values.entries()) view(bytes).setUint32(i * 4, value);
  return bytes;
};

/** One moof and mdat of samples that are all sync and equally long, such as AAC frames. */
export function writeSoundFragment(options: { sequenceNumber: number; startTicks: number; frameTicks: number; frames: readonly Uint8Array[] }): Uint8Array {
  const { sequenceNumber, startTicks, frameTicks, frames } = options;
  const tfhd = box('tfhd', words(0x02_0008, 1, frameTicks));
  const tfdt = box('tfdt', words(0x0100_0000, Math.floor(startTicks / 2 ** 32), startTicks % 2 ** 32));
  const mfhd = box('mfhd', words(0, sequenceNumber));
  const runOf = (dataOffset: number): Uint8Array => box('trun', words(0x201, frames.length, dataOffset, ...frames.map(({ length }) => length)));
  const moofBytes = HEADER_BYTES * 2 + mfhd.length + tfhd.length + tfdt.length + runOf(0).length;
  const moof = box('moof', mfhd, box('traf', tfhd, tfdt, runOf(moofBytes + HEADER_BYTES)));
  const mdat = box('mdat', ...frames);
  const bytes = new Uint8Array(moof.length + mdat.length);
  bytes.set(moof);
  bytes.set(mdat, moof.length);
  return bytes;
}
