import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { allocateTrack } from '@reelay/contracts';
import type { ByteSource } from './byte-source.ts';
import { readFrameEncodings } from './matroska-encodings.ts';
import { readMatroska } from './matroska.ts';

const sourceOf = (bytes: readonly number[]): ByteSource => ({
  sizeBytes: bytes.length,
  read: (position, length) => Promise.resolve(Uint8Array.from(bytes.slice(position, position + length))),
});

/** Frames of 3, 2 and 4 bytes whose values are their number. */
const FRAMES = [[1, 1, 1], [2, 2], [3, 3, 3, 3]];
const BLOCK_HEAD = (lacing: number) => [0x81, 0x00, 0x10, lacing << 1];

function trackOf(sizes: readonly number[], position: number) {
  const track = allocateTrack({ streamIndex: 0, kind: 'audio', timeBase: { num: 1, den: 1000 }, count: sizes.length });
  track.size.set(sizes);
  track.position.fill(position);
  return track;
}

describe('readMatroska', () => {
  it.each([
    ['Xiph', 1, [2, 3, 2]],
    // The second size is the first plus (-1): 0x40 0x00 … in one byte, biased by 63.
    ['EBML', 3, [2, 0x83, 0x80 | (63 - 1)]],
  ])('takes frames out of a %s-laced block', async (_, lacing, table) => {
    const bytes = [0xee, 0xee, ...BLOCK_HEAD(lacing), ...table, ...FRAMES.flat(), 0xdd, 0xdd];
    const read = await readMatroska(sourceOf(bytes), trackOf([3, 2, 4], 2), 0, 3, new Map());
    expect(read.map((frame) => Array.from(frame))).toEqual(FRAMES);
    const middle = await readMatroska(sourceOf(bytes), trackOf([3, 2, 4], 2), 1, 2, new Map());
    expect(middle.map((frame) => Array.from(frame))).toEqual([[2, 2]]);
  });

  it('takes frames of equal size without a table', async () => {
    const bytes = [...BLOCK_HEAD(2), 1, 7, 7, 8, 8];
    const read = await readMatroska(sourceOf(bytes), trackOf([2, 2], 0), 0, 2, new Map());
    expect(read.map((frame) => Array.from(frame))).toEqual([[7, 7], [8, 8]]);
  });

  it('puts back what header stripping took off, and refuses compressed frames', async () => {
    const bytes = [...BLOCK_HEAD(0), 5, 6, 7];
    const [frame] = await readMatroska(sourceOf(bytes), trackOf([5], 0), 0, 1, new Map([[1, Uint8Array.of(9, 9)]]));
    expect([...(frame ?? [])]).toEqual([9, 9, 5, 6, 7]);
    await expect(readMatroska(sourceOf(bytes), trackOf([5], 0), 0, 1, new Map([[1, 'unreadable']]))).rejects.toMatchObject({ code: 'not_remuxable' });
  });

  it('inflates frames, alone and laced', async () => {
    const frames = [Buffer.alloc(300, 1), Buffer.from('abcdefgh'), Buffer.alloc(300, 1)];
    const stored = frames.map((frame) => deflateSync(frame));
    const encodings = new Map([[1, 'zlib' as const]]);
    const alone = [...BLOCK_HEAD(0), ...(stored[1] ?? []), 0xa3, 9, 9];
    expect(await readMatroska(sourceOf(alone), trackOf([8], 0), 0, 1, encodings)).toEqual([Uint8Array.from(frames[1] ?? [])].map((bytes) => Buffer.from(bytes)));
    const xiph = [...BLOCK_HEAD(1), 2, stored[0]?.length ?? 0, stored[1]?.length ?? 0, ...stored.flatMap((bytes) => [...bytes])];
    expect(await readMatroska(sourceOf(xiph), trackOf([300, 8, 300], 0), 0, 3, encodings)).toEqual(frames);
    const fixed = [...BLOCK_HEAD(2), 1, ...(stored[0] ?? []), ...(stored[2] ?? [])];
    expect(await readMatroska(sourceOf(fixed), trackOf([300, 300], 0), 1, 2, encodings)).toEqual([frames[2]]);
    await expect(readMatroska(sourceOf(alone), trackOf([7], 0), 0, 1, encodings)).rejects.toMatchObject({ code: 'source_changed' });
  });

  it('refuses positions at which there is no block', async () => {
    await expect(readMatroska(sourceOf([0, 0, 0, 0, 0]), trackOf([1], 0), 0, 1, new Map())).rejects.toMatchObject({ code: 'source_changed' });
  });
});

const element = (id: number[], content: number[]) => [...id, 0x80 | content.length, ...content];
const encoded = (number: number, settings: number[]) => element([0xae], [
  ...element([0xd7], [number]),
  ...element([0x6d, 0x80], element([0x62, 0x40], element([0x50, 0x34], settings))),
]);

describe('readFrameEncodings', () => {
  it('finds stripped and compressed tracks, in segments of known and unknown size', async () => {
    const tracks = element([0x16, 0x54, 0xae, 0x6b], [
      ...encoded(1, [...element([0x42, 0x54], [3]), ...element([0x42, 0x55], [0xff, 0xf1])]),
      ...encoded(2, []),
      ...encoded(3, element([0x42, 0x54], [1])),
      ...element([0xae], element([0xd7], [4])),
    ]);
    for (const size of [0x80 | tracks.length, 0xff]) {
      const found = await readFrameEncodings(sourceOf([...element([0x1a, 0x45, 0xdf, 0xa3], []), 0x18, 0x53, 0x80, 0x67, size, ...tracks]));
      expect([...found.entries()]).toEqual([[1, Uint8Array.of(0xff, 0xf1)], [2, 'zlib'], [3, 'unreadable']]);
    }
  });

  it('finds nothing in a file of something else', async () => {
    expect((await readFrameEncodings(sourceOf([1, 2, 3, 4]))).size).toBe(0);
  });
});
