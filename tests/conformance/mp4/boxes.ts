/** Boxes of ISO/IEC 14496-12, read anew here: a checker that used the product's own reader would share its mistakes. */
export interface Box {
  readonly type: string;
  /** Content without the header; a view, nothing is copied. */
  readonly data: DataView;
  readonly sizeBytes: number;
  /** Where the box begins in the bytes that were read. */
  readonly start: number;
}

const CONTAINERS = new Set(['moov', 'trak', 'mdia', 'minf', 'stbl', 'mvex', 'moof', 'traf', 'edts', 'dinf']);

/** The bytes are no sequence of whole boxes. */
export class BrokenBoxes extends Error {
  readonly code = 'broken_boxes';
}

/** All boxes of a piece, side by side. @throws BrokenBoxes */
export function readBoxes(bytes: Uint8Array, from = 0, to = bytes.length): Box[] {
  const found: Box[] = [];
  const whole = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = from; at < to;) {
    if (to - at < 8) throw new BrokenBoxes(`${to - at} bytes at ${at} are no box`);
    let sizeBytes = whole.getUint32(at);
    let header = 8;
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (sizeBytes === 1) {
      sizeBytes = Number(whole.getBigUint64(at + 8));
      header = 16;
    }
    if (!/^[\w ©-]{4}$/.test(type)) throw new BrokenBoxes(`a box of type ${JSON.stringify(type)} at ${at}`);
    if (sizeBytes < header || at + sizeBytes > to) throw new BrokenBoxes(`${type} at ${at} says ${sizeBytes} bytes, there are ${to - at}`);
    found.push({ type, sizeBytes, start: at, data: new DataView(bytes.buffer, bytes.byteOffset + at + header, sizeBytes - header) });
    at += sizeBytes;
  }
  return found;
}

const bytesOf = ({ data }: Box): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** Children of a box, `skip` bytes after its header. @throws BrokenBoxes */
export function children(box: Box, skip = 0): Box[] {
  return readBoxes(bytesOf(box), skip);
}

/** All boxes along a path below some boxes, such as trak, mdia, mdhd. */
export function find(boxes: readonly Box[], ...path: readonly string[]): Box[] {
  const [type, ...rest] = path;
  const here = boxes.filter((box) => box.type === type);
  if (rest.length === 0) return here;
  return here.flatMap((box) => (CONTAINERS.has(box.type) ? find(children(box), ...rest) : []));
}

export const contentOf = bytesOf;
