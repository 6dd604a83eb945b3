/** A connection that breaks when Postgres has done the COMMIT and nobody hears of it; and one that breaks before it. */
import { link, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ctx, newId, systemClock } from '@reelay/runtime';
import { findVideo, inTransaction, openDatabase, type Sql, unknownPaths } from '@reelay/store';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { type CuttingProxy, startCuttingProxy } from '../../testing/cut-at-commit.ts';
import { startTestGateway, type TestGateway } from '../../testing/kit.ts';
import { LockHints } from '../locks/lock-hints.ts';
import { LockSweep } from '../locks/lock-sweep.ts';
import { WriteLocks } from '../locks/write-locks.ts';
import { sweepUploadParts } from '../startup/library.ts';
import { admitUpload } from './admit.ts';
import { changeVideo, deleteVideo, type MoveDeps, type MoveRequest, undeleteVideo } from './move.ts';
import { uploadPartName } from './receive.ts';

let gateway: TestGateway;
let proxy: CuttingProxy;
let sql: Sql;
let deps: MoveDeps;
let request: MoveRequest;
beforeAll(async () => {
  gateway = await startTestGateway();
  proxy = await startCuttingProxy(gateway.databaseUrl);
});
afterAll(async () => {
  await proxy.close();
  await gateway.stop();
});
beforeEach(() => {
  sql = openDatabase({ url: proxy.url, applicationName: 'cut', maxConnections: 2 });
  const hints = new LockHints({ bus: gateway.bus, clock: systemClock });
  deps = { sql, library: gateway.deps.library, writes: new WriteLocks({ sql, clock: systemClock, hints, live: gateway.deps.live, leaseMs: 60_000 }) };
  request = { user: gateway.users.ADMIN, ctx: Ctx.root('test'), waitMs: 0, force: false, viewer: '' };
});
afterEach(async () => {
  await sql.end({ timeout: 1 });
  await proxy.serveAgain();
  await gateway.sql`delete from file_writes`;
});

const inbox = async (): Promise<string[]> => (await readdir(join(gateway.libraryRoot, 'inbox'))).filter((name) => name !== '.uploads').toSorted();
const part = async (): Promise<string> => {
  const path = join(gateway.libraryRoot, 'inbox', uploadPartName(newId()));
  await writeFile(path, 'a film');
  return path;
};
const content = async (id: string): Promise<string> => readFile(join(gateway.libraryRoot, (await findVideo(gateway.sql, id))?.path ?? ''), 'utf8');
const admit = async (filename: string): Promise<ReturnType<typeof admitUpload>> => admitUpload({ sql, library: gateway.deps.library, newId }, await part(), filename, gateway.users.ADMIN);
/** Runs a change whose COMMIT is cut: it is held up at the video's row until then, for those of its lock come before. */
const cutting = async <T>(id: string, afterwards: 'serve' | 'refuse', change: () => Promise<T>): Promise<T> => {
  let changing: Promise<T> | undefined;
  await inTransaction(gateway.sql, async (tx) => {
    await tx`select 1 from videos where id = ${id} for update`;
    changing = change();
    changing.catch(() => undefined);
    await vi.waitFor(async () => {
      expect(await gateway.sql`select 1 from pg_stat_activity where application_name = 'cut' and wait_event_type = 'Lock'`).toHaveLength(1);
    }, { timeout: 30_000, interval: 10 });
    proxy.cutNextCommit(afterwards);
  });
  if (changing === undefined) throw new Error('not begun');
  return changing;
};

test('an upload whose COMMIT was done and not heard is there, once, with its file', async () => {
  proxy.cutNextCommit('serve');
  const video = await admit('lost.mp4');
  expect(await content(video.id)).toBe('a film');
  expect(await inbox()).toEqual(['lost.mp4']);
});

test('an upload whose end cannot be asked for keeps its file; the sweep takes away only what has no record', async () => {
  proxy.cutNextCommit('refuse');
  await expect(admit('unknown.mp4')).rejects.toThrow();
  expect((await inbox()).filter((name) => name.endsWith('unknown.mp4') || name.startsWith('.upload-'))).toHaveLength(2);
  // One that was rolled back instead: published, and no record.
  const orphan = await part();
  await link(orphan, join(gateway.libraryRoot, 'inbox/orphan.mp4'));
  for (const name of (await inbox()).filter((one) => one.startsWith('.upload-'))) await utimes(join(gateway.libraryRoot, 'inbox', name), new Date(0), new Date(0));
  await sweepUploadParts(gateway.deps.library, Date.now(), (paths) => unknownPaths(gateway.sql, paths));
  expect(await inbox()).toEqual(['lost.mp4', 'unknown.mp4']);
});

test('a rename, a deletion and a restore whose COMMIT was done and not heard are done', async () => {
  const { id } = await gateway.upload('change.mp4', 'content');
  const renamed = await cutting(id, 'serve', () => changeVideo(deps, id, { filename: 'changed.mp4' }, request));
  expect([renamed.path, await content(id)]).toEqual(['inbox/changed.mp4', 'content']);
  await cutting(id, 'serve', () => deleteVideo(deps, id, request));
  expect(await findVideo(gateway.sql, id)).toBe(null);
  const restored = await cutting(id, 'serve', () => undeleteVideo(deps, id, request));
  expect([restored.path, await content(id)]).toEqual(['inbox/changed.mp4', 'content']);
  expect((await inbox()).filter((name) => name.startsWith('chang'))).toEqual(['changed.mp4']);
  expect(await readdir(join(gateway.libraryRoot, '.trash'))).toEqual([]);
});

test('a rename whose end cannot be asked for keeps both names until the sweep, which asks the record', async () => {
  const { id } = await gateway.upload('both.mp4', 'content');
  await expect(cutting(id, 'refuse', () => changeVideo(deps, id, { filename: 'both names.mp4' }, request))).rejects.toThrow();
  expect((await inbox()).filter((name) => name.startsWith('both'))).toEqual(['both names.mp4', 'both.mp4']);
  await gateway.sql`update file_writes set lease_until = now() - interval '1 second'`;
  await new LockSweep({ sql: gateway.sql, library: gateway.deps.library, clock: systemClock, logger: gateway.deps.logger }).run();
  expect((await inbox()).filter((name) => name.startsWith('both'))).toEqual(['both names.mp4']);
  expect(await content(id)).toBe('content');
  await vi.waitFor(async () => expect(await gateway.sql`select 1 from file_writes`).toHaveLength(0));
});
