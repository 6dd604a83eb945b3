import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { LibraryRoot, newId, systemClock } from '@reelay/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { receivePart } from './receive.ts';
import { TUS_FOLDER, UploadStore } from './tus-store.ts';

const MOUNT = 'mount';
const UNMOUNT = 'umount';
let folder: string;
let library: LibraryRoot;
let isSmall = false;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-small-'));
  isSmall = spawnSync(MOUNT, ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]).status === 0;
  await mkdir(join(folder, TUS_FOLDER), { recursive: true });
  library = await LibraryRoot.open(folder);
});
afterAll(async () => {
  if (isSmall) spawnSync(UNMOUNT, [folder]);
  await rm(folder, { recursive: true, force: true });
});

const options = () => ({ id: newId(), maxBytes: 10_000_000, stallMs: 5_000, clock: systemClock });
const bodyOf = (bytes: number): ReadableStream<Uint8Array> => {
  let left = bytes;
  return new ReadableStream({
    pull(controller) {
      if (left <= 0) controller.close();
      else controller.enqueue(new Uint8Array(Math.min(left, 65_536)));
      left -= 65_536;
    },
  });
};

describe('a disk without room', () => {
  test('an upload that does not fit is 507 and leaves no part; one that fits is taken', async (context) => {
    if (!isSmall) context.skip();
    await expect(receivePart(library, bodyOf(3_000_000), options())).rejects.toMatchObject({ code: 'storage_full', status: 507 });
    expect(await readdir(join(folder, 'inbox'))).toEqual(['.uploads']);
    expect(await receivePart(library, bodyOf(100_000), options())).toMatch(/\.upload-.*\.part$/);
  });

  test('a resumable upload says so too, and keeps what arrived', async (context) => {
    if (!isSmall) context.skip();
    const store = new UploadStore(library, 1000);
    await store.create({ id: 'a'.repeat(32), size: 3_000_000, offset: 0 } as Parameters<UploadStore['create']>[0]);
    await expect(store.write(Readable.fromWeb(bodyOf(3_000_000) as Parameters<typeof Readable.fromWeb>[0]), 'a'.repeat(32), 0)).rejects.toMatchObject({ status_code: 507 });
    await store.discard('a'.repeat(32));
    expect(await readdir(join(folder, TUS_FOLDER))).toEqual([]);
  });
});
