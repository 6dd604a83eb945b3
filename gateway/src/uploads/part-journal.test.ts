import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LibraryRoot, newId } from '@reelay/runtime';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PartJournal } from './part-journal.ts';

let folder: string;
let library: LibraryRoot;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-journal-'));
  await mkdir(join(folder, 'media/inbox'), { recursive: true });
  library = await LibraryRoot.open(join(folder, 'media'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('the next start removes the parts of uploads that were cut by the end of the gateway, and those alone', async () => {
  const [own, others, done] = [newId(), newId(), newId()];
  const inbox = join(library.path, 'inbox');
  const dir = join(folder, 'uploads');
  const before = await PartJournal.open(dir, library);
  for (const id of [own, others]) await writeFile(join(inbox, `.upload-${id}.part`), 'half of a film');
  await before.during(done, () => Promise.resolve());
  let cut: (() => void) | undefined;
  const never = before.during(own, () => new Promise<void>((resolve) => {
    cut = resolve;
  }));
  expect(await readdir(dir)).toEqual([`.upload-${own}.part`]);
  await PartJournal.open(dir, library);
  expect(await readdir(inbox)).toEqual([`.upload-${others}.part`]);
  expect(await readdir(dir)).toEqual([]);
  let hasSettled = false;
  const settled = before.settled().then(() => (hasSettled = true));
  await Promise.resolve();
  expect(hasSettled).toBe(false);
  cut?.();
  await Promise.all([settled, never]);
});
