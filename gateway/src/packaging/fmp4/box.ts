/** A part of a box: bytes as they are, or text as ASCII. */
type Part = Uint8Array | string;

const ASCII = new TextEncoder();

/** Puts bytes one behind the other. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** An ISO BMFF box: 32-bit size, type, content. */
export function box(type: string, ...parts: readonly Part[]): Uint8Array {
  const content = parts.map((part) => (typeof part === 'string' ? ASCII.encode(part) : part));
  const size = 8 + content.reduce((sum, part) => sum + part.length, 0);
  return concat([u32(size), ASCII.encode(type), ...content]);
}

/** A box with a version and flags. */
export function fullBox(type: string, version: number, flags: number, ...parts: readonly Part[]): Uint8Array {
  return box(type, u32(version * 2 ** 24 + flags), ...parts);
}

/** Bytes. */
export function u8(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values);
}

/** 16-bit numbers, big-endian. */
export function u16(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values.flatMap((value) => [(value >> 8) & 255, value & 255]));
}

/** 32-bit numbers, big-endian; negative ones in two's complement. */
export function u32(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) view.setUint32(i * 4, value);
  return bytes;
}

/** One 64-bit number, big-endian. */
export function u64(value: number): Uint8Array {
  return u32(Math.floor(value / 2 ** 32), value % 2 ** 32);
}

/** So many zero bytes. */
export function zeros(count: number): Uint8Array {
  return new Uint8Array(count);
}
