import type { ByteSource } from './byte-source.ts';
import { elements, unsigned } from './ebml.ts';

/** The common first bytes that were taken off each frame ("header stripping", which old mkvmerge does by itself), or how it was compressed. */
type FrameEncoding = Uint8Array | 'zlib' | 'unreadable';
/** What was done to every frame of a track, by track number. Other tracks are not listed. */
export type FrameEncodings = ReadonlyMap<number, FrameEncoding>;

const SEGMENT = 0x18538067;
const CLUSTER = 0x1f43b675;
const TRACKS = 0x1654ae6b;
const TRACK_ENTRY = 0xae;
const TRACK_NUMBER = 0xd7;
const CONTENT_ENCODINGS = 0x6d80;
const CONTENT_ENCODING = 0x6240;
const COMPRESSION = 0x5034;
const ENCRYPTION = 0x5035;
const ALGORITHM = 0x4254;
const SETTINGS = 0x4255;
const ZLIB = 0;
const HEADER_STRIPPING = 3;
const SCOPE = 0x5032;
/** Of the scopes: the frames, not just the configuration of the decoder. */
const FRAMES = 1;

/** The tracks stand ahead of the first cluster, after seek head, info, and perhaps a reserve. */
const HEAD_BYTES: readonly number[] = [64 * 1024, 4 * 1024 * 1024];

/** Reads the encodings from the head of a Matroska file. */
export async function readFrameEncodings(source: ByteSource): Promise<FrameEncodings> {
  for (const length of HEAD_BYTES) {
    const bytes = await source.read(0, Math.min(length, source.sizeBytes));
    const encodings = findTracks(bytes);
    if (encodings) return encodings;
  }
  return new Map();
}

/** Null when the bytes end before the tracks do. */
function findTracks(bytes: Uint8Array): FrameEncodings | null {
  const segment = [...elements(bytes, 0, bytes.length)].find(({ id }) => id === SEGMENT);
  if (!segment) return null;
  for (const element of elements(bytes, segment.start, segment.end)) {
    if (element.id === CLUSTER) return new Map();
    if (element.id === TRACKS) return element.end > bytes.length ? null : readTracks(bytes, element.start, element.end);
  }
  return null;
}

function readTracks(bytes: Uint8Array, start: number, end: number): FrameEncodings {
  const found = new Map<number, FrameEncoding>();
  for (const entry of elements(bytes, start, end)) {
    if (entry.id !== TRACK_ENTRY) continue;
    let trackNumber = 0;
    let encoding: FrameEncoding | null = null;
    for (const field of elements(bytes, entry.start, entry.end)) {
      if (field.id === TRACK_NUMBER) trackNumber = unsigned(bytes, field.start, field.end);
      if (field.id === CONTENT_ENCODINGS) encoding = readEncodings(bytes, field.start, field.end);
    }
    if (encoding) found.set(trackNumber, encoding);
  }
  return found;
}

function readEncodings(bytes: Uint8Array, start: number, end: number): FrameEncoding | null {
  let result: FrameEncoding | null = null;
  for (const encoding of elements(bytes, start, end)) {
    if (encoding.id !== CONTENT_ENCODING) continue;
    const scope = [...elements(bytes, encoding.start, encoding.end)].find(({ id }) => id === SCOPE);
    if (scope && (unsigned(bytes, scope.start, scope.end) & FRAMES) === 0) continue;
    for (const field of elements(bytes, encoding.start, encoding.end)) {
      if (field.id === ENCRYPTION || (field.id === COMPRESSION && result !== null)) return 'unreadable';
      if (field.id === COMPRESSION) result = readCompression(bytes, field.start, field.end);
    }
  }
  return result;
}

/** An absent algorithm is zlib. */
function readCompression(bytes: Uint8Array, start: number, end: number): FrameEncoding {
  let algorithm = 0;
  let settings: Uint8Array = new Uint8Array(0);
  for (const field of elements(bytes, start, end)) {
    if (field.id === ALGORITHM) algorithm = unsigned(bytes, field.start, field.end);
    if (field.id === SETTINGS) settings = bytes.slice(field.start, field.end);
  }
  if (algorithm === ZLIB) return 'zlib';
  return algorithm === HEADER_STRIPPING ? settings : 'unreadable';
}
