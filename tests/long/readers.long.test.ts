/** Files that change under the readers, bytes and index, by seed: each piece comes, or a typed error, soon and without much memory. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allocateTrack, type PacketIndex } from '@reelay/contracts';
import { ReelayError } from '@reelay/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MediaPackage, openPackageInTurns } from '../../gateway/src/packaging/package.ts';
import { probe, type ProbedClip } from '../../gateway/src/packaging/testing.ts';
import { Randomness } from '../kit/random.ts';
import { Workshop } from './files/workshop.ts';

const random = new Randomness(Number(process.env['REELAY_SEED'] ?? 1));
const ROUNDS = Number(process.env['REELAY_FUZZ_ROUNDS'] ?? 60);
const LONGEST_PIECE_MS = 3_000;
const MOST_MEMORY_BYTES = 600 * 1024 * 1024;
const TYPED = new Set(['source_changed', 'not_remuxable', 'parameter_sets_changed', 'unknown_rendition', 'segment_out_of_range']);

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-readers-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const CONTAINERS: Readonly<Record<string, (shop: Workshop, base: string, path: string) => Promise<void>>> = Object.fromEntries(
  ['mp4', 'mkv', 'ts', 'm2ts', 'flv', 'mov'].map((suffix) => [suffix, (shop: Workshop, base: string, path: string) => shop.ffmpeg('-i', base, '-c', 'copy', path)]),
);
const EXTRA: typeof CONTAINERS = {
  avi: (shop, base, path) => shop.ffmpeg('-i', base, '-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '0', '-g', '50', '-c:a', 'libmp3lame', path),
  hevc: (shop, base, path) => shop.ffmpeg('-i', base, '-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none:keyint=50', '-c:a', 'flac', '-f', 'matroska', path),
};

function mangled(bytes: Buffer, draw: Randomness): Buffer {
  const copy = Buffer.from(bytes);
  for (let i = draw.between(1, 200); i > 0; i -= 1) copy[draw.between(0, copy.length - 1)] = draw.between(0, 255);
  const at = draw.between(0, copy.length - 1);
  if (draw.next() < 0.3) copy.fill(draw.pick([0, 0xff, 0x47, 1]), at, Math.min(copy.length, at + draw.between(1, 50_000)));
  return copy;
}

/** An index that is not that of the file: as after a mix-up that no check of size and time has caught. */
function mangledIndex({ tracks }: PacketIndex, draw: Randomness): PacketIndex {
  return {
    tracks: tracks.map((track) => {
      const copy = allocateTrack(track);
      for (const column of ['pts', 'dts', 'duration', 'size', 'position', 'flags'] as const) copy[column].set(track[column]);
      for (let i = draw.between(0, 12); i > 0; i -= 1) {
        const at = draw.between(0, track.count - 1);
        const what = draw.between(0, 4);
        if (what === 0) copy.size[at] = draw.pick([0, 1, 0xffff_ffff, draw.between(0, 1 << 24)]);
        if (what === 1) copy.position[at] = draw.pick([Number.NaN, -5, 0, draw.between(0, 1 << 22), 2 ** 50]);
        if (what === 2) copy.flags[at] = draw.between(0, 31);
        if (what === 3) copy.pts[at] = draw.pick([Number.NaN, -1e12, 1e12, draw.between(0, 1 << 20)]);
        if (what === 4) copy.duration[at] = draw.pick([0, -7, 1e9]);
      }
      return copy;
    }),
  };
}

async function typed<T>(what: string, run: () => Promise<T>): Promise<T | null> {
  const startedMs = performance.now();
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof ReelayError) || !TYPED.has(error.code)) throw new Error(`${what}: ${error instanceof Error ? error.stack : String(error)}`, { cause: error });
    return null;
  } finally {
    expect(performance.now() - startedMs, what).toBeLessThan(LONGEST_PIECE_MS);
  }
}

async function readAll(pack: MediaPackage, what: string): Promise<number> {
  let pieces = 0;
  pack.masterPlaylist();
  for (const { id, segments, contentType } of pack.renditions) {
    pack.mediaPlaylist(id);
    if (contentType !== 'audio/mpeg') await typed(`${what} ${id} init`, () => pack.init(id));
    for (let n = 0; n < segments; n += 1) pieces += (await typed(`${what} ${id} ${n}`, () => pack.segment(id, n))) === null ? 0 : 1;
  }
  for (let n = 0; n < pack.iframes; n += 1) await typed(`${what} iframe ${n}`, () => pack.iframe(n));
  return pieces;
}

describe('readers', () => {
  it.each(Object.entries({ ...CONTAINERS, ...EXTRA }))('of %s', async (name, make) => {
    const shop = new Workshop(folder, random);
    const path = join(folder, `whole-${name}${name === 'hevc' ? '' : `.${name}`}`);
    await make(shop, await shop.base(), path);
    const whole: ProbedClip = await probe(path);
    const bytes = readFileSync(path);
    const changed = join(folder, `changed.${name}`);
    let [pieces, opened] = [0, 0];
    for (let round = 0; round < ROUNDS; round += 1) {
      const draw = random.branch(`${name} ${round}`);
      const what = `${name}, round ${round}`;
      await writeFile(changed, draw.next() < 0.8 ? mangled(bytes, draw) : bytes);
      const index = draw.next() < 0.5 ? mangledIndex(whole.index, draw) : whole.index;
      const pack = await typed(what, () => openPackageInTurns({ absPath: changed, mediaInfo: { ...whole.info, sizeBytes: bytes.length }, index }, async () => {}));
      if (pack === null) continue;
      opened += 1;
      pieces += await readAll(pack, what);
      expect(process.memoryUsage().arrayBuffers, what).toBeLessThan(MOST_MEMORY_BYTES);
    }
    console.log(`${name}: ${opened} of ${ROUNDS} opened, ${pieces} pieces cut`);
  });
});
