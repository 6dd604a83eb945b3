import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { removeLeftParts } from './left-parts.ts';

test('parts of files that were never finished go, everything else stays', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reelay-parts-'));
  await mkdir(join(folder, 'nats/accounts'), { recursive: true });
  const kept = ['secret.key', 'film.part', 'nats/accounts/A.jwt', `nats/accounts/B.jwt.${process.pid}.part`];
  for (const name of [...kept, 'postgres.location.4194305.part', 'nats/accounts/A.jwt.4194305.part']) await writeFile(join(folder, name), '');
  expect((await removeLeftParts(folder)).toSorted()).toEqual(['nats/accounts/A.jwt.4194305.part', 'postgres.location.4194305.part']);
  const left = await readdir(folder, { recursive: true, withFileTypes: true });
  expect(left.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).toSorted()).toEqual(kept.toSorted());
  await rm(folder, { recursive: true });
  expect(await removeLeftParts(folder)).toEqual([]);
});
