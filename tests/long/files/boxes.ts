/** Changes in the boxes of MP4 files that no muxer at hand would make. The index must stand behind the media data. */

interface Span {
  type: string;
  start: number;
  end: number;
}

const PARENTS = new Set(['moov', 'trak', 'mdia', 'minf', 'stbl', 'edts', 'moof', 'traf', 'mvex']);

export function* spans(bytes: Buffer, start = 0, end = bytes.length): Generator<Span> {
  for (let at = start; at + 8 <= end;) {
    let size = bytes.readUInt32BE(at);
    let header = 8;
    if (size === 1) {
      size = Number(bytes.readBigUInt64BE(at + 8));
      header = 16;
    }
    if (size < header) return;
    const type = bytes.toString('latin1', at + 4, at + 8);
    yield { type, start: at, end: at + size };
    if (PARENTS.has(type)) yield* spans(bytes, at + header, at + size);
    at += size;
  }
}

/** A box under another name: readers skip what they do not know. */
export function renamed(bytes: Buffer, type: string, to: string): Buffer {
  const copy = Buffer.from(bytes);
  for (const { type: found, start } of spans(bytes)) if (found === type) copy.write(to, start + 4, 'latin1');
  return copy;
}

export const box = (type: string, ...content: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(content);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + body.length);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, body]);
};

/** Replaces or adds a child of the n-th track; the sizes of its parents follow. */
function withChild(bytes: Buffer, track: number, child: Buffer): Buffer {
  const all = [...spans(bytes)];
  const moov = all.find(({ type }) => type === 'moov');
  const trak = all.filter(({ type }) => type === 'trak')[track];
  if (!moov || !trak) throw new Error('no such track');
  const type = child.toString('latin1', 4, 8);
  const old = all.find((span) => span.type === type && span.start > trak.start && span.end <= trak.end);
  const at = old?.start ?? trak.start + 8 + bytes.readUInt32BE(trak.start + 8);
  const grown = Buffer.concat([bytes.subarray(0, at), child, bytes.subarray(old?.end ?? at)]);
  const by = child.length - (old === undefined ? 0 : old.end - old.start);
  for (const parent of [moov, trak]) grown.writeUInt32BE(parent.end - parent.start + by, parent.start);
  return grown;
}

/** Edit list of a track: length in the movie's time scale, start in the track's (−1: empty). */
export function withEdits(bytes: Buffer, track: number, edits: readonly (readonly [length: number, start: number])[]): Buffer {
  const list = Buffer.alloc(8 + edits.length * 12);
  list.writeUInt32BE(edits.length, 4);
  for (const [i, [length, start]] of edits.entries()) {
    list.writeUInt32BE(length, 8 + i * 12);
    list.writeInt32BE(start, 12 + i * 12);
    list.writeInt16BE(1, 16 + i * 12);
  }
  return withChild(bytes, track, box('edts', box('elst', list)));
}

/** All chunk offsets in 64 bits. */
export function withLongOffsets(bytes: Buffer): Buffer {
  let changed = bytes;
  const tracks = [...spans(bytes)].filter(({ type }) => type === 'trak').length;
  for (let track = 0; track < tracks; track += 1) changed = longOffsetsOf(changed, track);
  return changed;
}

function longOffsetsOf(bytes: Buffer, track: number): Buffer {
  const all = [...spans(bytes)];
  const trak = all.filter(({ type }) => type === 'trak')[track];
  const within = (type: string): Span | undefined => all.find((span) => span.type === type && trak !== undefined && span.start >= trak.start && span.end <= trak.end);
  const [moov, stco] = [all.find(({ type }) => type === 'moov'), within('stco')];
  if (!moov || !stco) return bytes;
  const count = bytes.readUInt32BE(stco.start + 12);
  const content = Buffer.alloc(8 + count * 8);
  content.writeUInt32BE(count, 4);
  for (let i = 0; i < count; i += 1) content.writeBigUInt64BE(BigInt(bytes.readUInt32BE(stco.start + 16 + i * 4)), 8 + i * 8);
  const co64 = box('co64', content);
  const grown = Buffer.concat([bytes.subarray(0, stco.start), co64, bytes.subarray(stco.end)]);
  const by = co64.length - (stco.end - stco.start);
  for (const parent of [moov, trak, within('mdia'), within('minf'), within('stbl')]) if (parent) grown.writeUInt32BE(parent.end - parent.start + by, parent.start);
  return grown;
}
