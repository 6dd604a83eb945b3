import { SourceChangedError } from '../errors.ts';

/** An EBML element whose header has been read; `end` is Infinity when the size is unknown (live recordings). */
export interface EbmlElement {
  readonly id: number;
  readonly start: number;
  readonly end: number;
}

/** A variable-length number; the length stands in the leading zeros of its first byte. */
export function readVint(bytes: Uint8Array, at: number): { value: number; bytes: number } {
  const first = bytes[at] ?? 0;
  const length = Math.clz32(first) - 23;
  if (first === 0) throw new SourceChangedError('A Matroska block is not where the index says.');
  let value = first & (0xff >> length);
  for (let i = 1; i < length; i += 1) value = value * 256 + (bytes[at + i] ?? 0);
  return { value, bytes: length };
}

/** The elements inside [start, end); ends early where their headers are not all in `bytes`. */
export function* elements(bytes: Uint8Array, start: number, end: number): Generator<EbmlElement> {
  for (let at = start; at < Math.min(end, bytes.length);) {
    const idBytes = Math.clz32(bytes[at] ?? 0) - 23;
    const sizeAt = at + idBytes;
    const sizeBytes = Math.clz32(bytes[sizeAt] ?? 0) - 23;
    if (idBytes > 4 || sizeBytes > 8 || sizeAt + sizeBytes > bytes.length) return;
    const content = sizeAt + sizeBytes;
    const size = readVint(bytes, sizeAt).value;
    const element = { id: unsigned(bytes, at, sizeAt), start: content, end: size === 2 ** (7 * sizeBytes) - 1 ? Infinity : content + size };
    yield element;
    at = element.end;
  }
}

/** A big-endian number. */
export function unsigned(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let i = start; i < end; i += 1) value = value * 256 + (bytes[i] ?? 0);
  return value;
}
