import { existsSync, linkSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { identify } from './library-path.ts';
import { OutputExistsError, parsePartName, PartMissingError, partName, publishFile } from './publish.ts';

const JOB = '01890000-0000-7000-8000-000000000001';
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'reelay-publish-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

test('a part gets its final name', async () => {
  const part = join(dir, partName('a.mp4', JOB, 3));
  writeFileSync(part, 'new');
  expect(await publishFile(part, join(dir, 'a.mp4'))).toBe('published');
  expect(readdirSync(dir)).toEqual(['a.mp4']);
});

test('another file is never overwritten and the part stays', async () => {
  const part = join(dir, partName('a.mp4', JOB, 3));
  writeFileSync(part, 'new');
  writeFileSync(join(dir, 'a.mp4'), 'old');
  await expect(publishFile(part, join(dir, 'a.mp4'))).rejects.toBeInstanceOf(OutputExistsError);
  expect(readFileSync(join(dir, 'a.mp4'), 'utf8')).toBe('old');
  expect(existsSync(part)).toBe(true);
});

test('a repeat succeeds, after a crash before and after the part was removed', async () => {
  const part = join(dir, partName('a.mp4', JOB, 3));
  const final = join(dir, 'a.mp4');
  writeFileSync(part, 'new');
  const expected = await identify(part);
  linkSync(part, final);
  expect(await publishFile(part, final, { expected })).toBe('already');
  expect(await publishFile(part, final, { expected })).toBe('already');
  await expect(publishFile(part, final)).rejects.toBeInstanceOf(PartMissingError);
});

test('of many publishers one wins', async () => {
  const final = join(dir, 'a.mp4');
  const results = await Promise.allSettled(
    Array.from({ length: 8 }, async (_, epoch) => {
      const part = join(dir, partName('a.mp4', JOB, epoch));
      writeFileSync(part, `epoch ${epoch}`);
      return publishFile(part, final);
    }),
  );
  expect(results.filter((r) => r.status === 'fulfilled')).toHaveLength(1);
});

test('part names can be read back', () => {
  const rel = partName('playback/my film.part.mp4', JOB, 12);
  expect(rel).toBe(`playback/.my film.part.mp4.${JOB}.12.part`);
  expect(parsePartName(rel)).toEqual({ folder: 'playback', name: 'my film.part.mp4', jobId: JOB, epoch: 12 });
  expect(parsePartName('playback/.x.part')).toBeNull();
  expect(parsePartName('film.mp4')).toBeNull();
});

test('a part of a very long name still fits the file system', () => {
  const long = `${'ü'.repeat(120)}.mp4`;
  const rel = partName(long, JOB, 1);
  expect(Buffer.byteLength(rel)).toBeLessThanOrEqual(255);
  expect(parsePartName(rel)).toMatchObject({ folder: '', jobId: JOB, epoch: 1 });
  writeFileSync(join(dir, rel), '');
});
