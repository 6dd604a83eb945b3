import { readFile } from 'node:fs/promises';
import { JobFailed } from '../agent-types.ts';

export interface PictureSize {
  width: number;
  height: number;
}

const START_OF_FRAME: ReadonlySet<number> = new Set([0xc0, 0xc1, 0xc2, 0xc3]);

/** Size of a JPEG, from its frame header. @throws JobFailed when it is no JPEG */
export async function jpegSize(path: string): Promise<PictureSize> {
  const bytes = await readFile(path);
  // Segments follow each other: marker, length, content.
  let at = bytes.length > 4 && bytes.readUInt16BE(0) === 0xffd8 ? 2 : bytes.length;
  while (at + 9 < bytes.length) {
    if (START_OF_FRAME.has(bytes[at + 1] ?? 0)) return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) };
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  throw new JobFailed('output_invalid', 'The picture that was written is not a JPEG.', true);
}
