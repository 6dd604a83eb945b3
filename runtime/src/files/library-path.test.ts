import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureLibraryId, readLibraryId } from './library-id.ts';
import { identify, LibraryFileMissing, LibraryRoot, PathOutsideLibrary } from './library-path.ts';

let base: string;
let library: LibraryRoot;
beforeAll(async () => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'reelay-library-')));
  mkdirSync(join(base, 'media/videos'), { recursive: true });
  mkdirSync(join(base, 'media-secret'));
  writeFileSync(join(base, 'media/videos/it\'s "ü" 100%.mp4'), 'abc');
  writeFileSync(join(base, 'media-secret/x.mp4'), 'x');
  symlinkSync(join(base, 'media-secret'), join(base, 'media/out'));
  symlinkSync('videos', join(base, 'media/alias'));
  symlinkSync(join(base, 'media'), join(base, 'link-to-media'));
  library = await LibraryRoot.open(join(base, 'link-to-media'));
});
afterAll(() => rmSync(base, { recursive: true }));

test('paths are normalised below the root', () => {
  expect(library.resolve('videos//./a.mp4')).toBe(join(base, 'media/videos/a.mp4'));
  expect(library.resolve('')).toBe(join(base, 'media'));
  expect(library.resolve('..a/b..mp4')).toBe(join(base, 'media/..a/b..mp4'));
});

test('paths that would leave the root are refused', () => {
  for (const bad of ['/etc/passwd', '..', '../media-secret/x.mp4', 'videos/../../x', 'a\0b', 'a\nb', 'a\u007fb']) {
    expect(() => library.resolve(bad), JSON.stringify(bad)).toThrow(PathOutsideLibrary);
  }
});

test('an existing file is found with its symlinks followed, but not outside', async () => {
  expect(await library.resolveExisting('alias/it\'s "ü" 100%.mp4')).toBe(join(base, 'media/videos/it\'s "ü" 100%.mp4'));
  await expect(library.resolveExisting('out/x.mp4')).rejects.toBeInstanceOf(PathOutsideLibrary);
  await expect(library.resolveExisting('videos/none.mp4')).rejects.toBeInstanceOf(LibraryFileMissing);
});

test('a new file may lie in new folders, but not behind a symlink that leads outside', async () => {
  expect(await library.resolveForCreate('alias/new/deep/a.mp4')).toBe(join(base, 'media/videos/new/deep/a.mp4'));
  expect(await library.resolveForCreate('a.mp4')).toBe(join(base, 'media/a.mp4'));
  await expect(library.resolveForCreate('out/new/a.mp4')).rejects.toBeInstanceOf(PathOutsideLibrary);
});

test('absolute paths are named relative to the library', () => {
  expect(library.relativeOf(join(base, 'media/videos/a.mp4'))).toBe('videos/a.mp4');
  expect(() => library.relativeOf(join(base, 'media-secret/x.mp4'))).toThrow(PathOutsideLibrary);
});

test('a missing root is refused', async () => {
  await expect(LibraryRoot.open(join(base, 'none'))).rejects.toBeInstanceOf(LibraryFileMissing);
});

test('a file is identified by size, time, inode and device', async () => {
  const path = await library.resolveExisting('videos/it\'s "ü" 100%.mp4');
  const first = await identify(path);
  expect(first).toMatchObject({ sizeBytes: 3, inode: expect.stringMatching(/^\d+$/) });
  expect(Number.isInteger(first.mtimeMs)).toBe(true);
  expect(await identify(path)).toEqual(first);
});

test('a library gets one id, whoever asks first', async () => {
  const root = join(base, 'media/videos');
  expect(await readLibraryId(root)).toBeNull();
  const ids = Array.from({ length: 8 }, (_, i) => `00000000-0000-7000-8000-00000000000${i}`);
  const answers = await Promise.all(ids.map((id) => ensureLibraryId(root, id)));
  expect(new Set(answers).size).toBe(1);
  expect(await readLibraryId(root)).toBe(answers[0]);
});
