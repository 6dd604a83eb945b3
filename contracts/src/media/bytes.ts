// Small byte helpers that work the same in a browser and in Node (no Buffer).

/** Bytes as base64. */
export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** Base64 as bytes; throws a DOMException on text that is not base64. */
export function fromBase64(text: string): Uint8Array {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i += 1) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** The bytes of a hex dump as ffprobe prints it: `00000000: 0164 001f …  .d..`. */
export function parseHexDump(dump: string): Uint8Array {
  const bytes: number[] = [];
  for (const line of dump.split('\n')) {
    const colon = line.indexOf(': ');
    if (colon < 0) continue;
    // Sixteen bytes a line take at most 40 characters; what follows is the text column.
    const columns = line.slice(colon + 2, colon + 42).split('  ')[0] ?? '';
    for (const pair of columns.replaceAll(' ', '').match(/[0-9a-f]{2}/gi) ?? []) bytes.push(Number.parseInt(pair, 16));
  }
  return Uint8Array.from(bytes);
}

/** Lower-case hex of one byte, two digits. */
export function hexByte(value: number): string {
  return (value & 0xff).toString(16).padStart(2, '0');
}
