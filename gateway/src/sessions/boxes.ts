/** Just enough of ISO/IEC 14496-12 to judge what a node sends. No I/O. */

export interface Box {
  readonly type: string;
  /** Offset of its content, and its end, in the bytes searched. */
  readonly content: number;
  readonly end: number;
}

const HEADER_BYTES = 8;
/** Fixed fields before the boxes inside. */
const PREFIX_BYTES: Readonly<Record<string, number>> = { stsd: 8, avc1: 78, mp4a: 28 };

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The boxes between two offsets; null when they do not fill it exactly. */
export function boxesIn(bytes: Uint8Array, from = 0, to = bytes.length): Box[] | null {
  const data = viewOf(bytes);
  const found: Box[] = [];
  let at = from;
  while (at < to) {
    if (at + HEADER_BYTES > to) return null;
    const sizeBytes = data.getUint32(at);
    if (sizeBytes < HEADER_BYTES || at + sizeBytes > to) return null;
    found.push({ type: String.fromCharCode(...bytes.subarray(at + 4, at + HEADER_BYTES)), content: at + HEADER_BYTES, end: at + sizeBytes });
    at += sizeBytes;
  }
  return found;
}

/** The first box along a path of types. */
export function findBox(bytes: Uint8Array, path: readonly string[], from = 0, to = bytes.length): Box | null {
  const [type, ...rest] = path;
  const box = boxesIn(bytes, from, to)?.find((candidate) => candidate.type === type) ?? null;
  if (box === null || rest.length === 0) return box;
  return findBox(bytes, rest, box.content + (PREFIX_BYTES[box.type] ?? 0), box.end);
}
