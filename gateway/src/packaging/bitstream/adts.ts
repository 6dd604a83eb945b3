// AAC in a transport stream wears an ADTS header on every frame; MP4 wants the bare frame and one AudioSpecificConfig.

export interface AdtsHeader {
  readonly headerBytes: number;
  readonly frameBytes: number;
  /** What goes into the esds box. */
  readonly audioSpecificConfig: Uint8Array;
}

/** Reads the ADTS header at an offset; null when there is none, or more than one raw block in the frame. */
export function parseAdts(bytes: Uint8Array, at = 0): AdtsHeader | null {
  if (at + 7 > bytes.length) return null;
  const byte = (i: number) => bytes[at + i] ?? 0;
  if (byte(0) !== 0xff || (byte(1) & 0xf6) !== 0xf0) return null;
  if ((byte(6) & 3) !== 0) return null;
  const objectType = (byte(2) >> 6) + 1;
  const frequency = (byte(2) >> 2) & 15;
  const channels = ((byte(2) & 1) << 2) | (byte(3) >> 6);
  const config = (objectType << 11) | (frequency << 7) | (channels << 3);
  return {
    headerBytes: (byte(1) & 1) === 1 ? 7 : 9,
    frameBytes: ((byte(3) & 3) << 11) | (byte(4) << 3) | (byte(5) >> 5),
    audioSpecificConfig: Uint8Array.of(config >> 8, config & 255),
  };
}
