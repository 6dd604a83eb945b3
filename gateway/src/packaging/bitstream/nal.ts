// NAL units in their two wrappings: Annex B (00 00 01 before each) and length-prefixed (as in MP4).

/** The NAL units of an Annex B byte stream, without start codes and trailing zeros. */
export function splitAnnexB(bytes: Uint8Array): Uint8Array[] {
  const units: Uint8Array[] = [];
  let start = -1;
  let at = bytes.indexOf(1);
  while (at >= 0) {
    if (at >= 2 && bytes[at - 1] === 0 && bytes[at - 2] === 0) {
      if (start >= 0) pushUnit(units, bytes, start, at - 2);
      start = at + 1;
    }
    at = bytes.indexOf(1, at + 1);
  }
  if (start >= 0) pushUnit(units, bytes, start, bytes.length);
  return units;
}

function pushUnit(units: Uint8Array[], bytes: Uint8Array, start: number, limit: number): void {
  let end = limit;
  while (end > start && bytes[end - 1] === 0) end -= 1;
  if (end > start) units.push(bytes.subarray(start, end));
}

/**
 * The NAL units of a length-prefixed sample, or null when the lengths do not add up. With `clip` the last unit may be cut
 * short (a damaged file, a recording that broke off).
 */
export function splitLengthPrefixed(bytes: Uint8Array, lengthSize: number, clip = false): Uint8Array[] | null {
  const units: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (at + lengthSize > bytes.length) return clip && units.length > 0 ? units : null;
    let length = 0;
    for (let i = 0; i < lengthSize; i += 1) length = length * 256 + (bytes[at + i] ?? 0);
    at += lengthSize;
    if (at + length > bytes.length && !clip) return null;
    if (length > 0 && at < bytes.length) units.push(bytes.subarray(at, at + length));
    at += length;
  }
  return units;
}

/** Whether a sample is nothing but whole units behind 4-byte lengths. */
export function isWhole(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at + 4 < bytes.length) at += 4 + view.getUint32(at);
  return at === bytes.length && at > 0;
}

/** One sample with a 4-byte length before each unit. */
export function joinLengthPrefixed(units: readonly Uint8Array[]): Uint8Array {
  const sample = new Uint8Array(units.reduce((sum, unit) => sum + 4 + unit.length, 0));
  const view = new DataView(sample.buffer);
  let at = 0;
  for (const unit of units) {
    view.setUint32(at, unit.length);
    sample.set(unit, at + 4);
    at += 4 + unit.length;
  }
  return sample;
}

/** Whether a start code stands at this offset. */
export function isStartCode(bytes: Uint8Array, at: number): boolean {
  if (bytes[at] !== 0 || bytes[at + 1] !== 0) return false;
  return bytes[at + 2] === 1 || (bytes[at + 2] === 0 && bytes[at + 3] === 1);
}

/** The payload of a NAL unit with the emulation prevention bytes (00 00 03) taken out. */
export function unescapeNal(unit: Uint8Array): Uint8Array {
  const out = new Uint8Array(unit.length);
  let length = 0;
  let zeros = 0;
  for (const byte of unit) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    out[length++] = byte;
  }
  return out.subarray(0, length);
}
