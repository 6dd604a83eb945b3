import { chmod, cp, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, Ctx, newId, readLibraryId, systemClock } from '@reelay/runtime';
import { findUserByName, openDatabase, readSetting } from '@reelay/store';
import { createTestDatabase, MIGRATIONS, stopTestServer, type TestDatabase } from '@reelay/store/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { verifyPassword } from '../auth/passwords.ts';
import { prepareDatabase } from './database.ts';
import { ADMIN_PASSWORD_FILE, ensureFirstUser } from './first-user.ts';
import { prepareLibrary, sweepUploadParts } from './library.ts';

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  [database, folder] = await Promise.all([createTestDatabase(), mkdtemp(join(tmpdir(), 'reelay-startup-'))]);
});
afterAll(async () => {
  await database.drop();
  await stopTestServer();
  await rm(folder, { recursive: true, force: true });
});

test('the first user: generated password in a file of its owner, once, and good', async () => {
  const options = { password: undefined, dataDir: folder, newId };
  expect(await Promise.all([ensureFirstUser(database.sql, options), ensureFirstUser(database.sql, options)])).toContain('generated');
  expect(await ensureFirstUser(database.sql, { ...options, password: 'another password' })).toBeNull();
  const path = join(folder, ADMIN_PASSWORD_FILE);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const admin = await findUserByName(database.sql, 'admin');
  expect(admin?.user.role).toBe('SUPER_ADMIN');
  expect(await verifyPassword((await readFile(path, 'utf8')).trim(), admin?.passwordHash ?? '')).toBe(true);
});

test('the library: its folders, and one id in the marker and the settings', async () => {
  const library = await prepareLibrary(database.sql, join(folder, 'media'));
  await prepareLibrary(database.sql, join(folder, 'media'));
  expect((await readdir(library.path)).toSorted()).toEqual(['.reelay-library', 'compilations', 'inbox', 'library', 'playback', 'public', 'thumbnails']);
  expect(await readSetting(database.sql, 'libraryId')).toBe(await readLibraryId(library.path));
  await writeFile(join(folder, 'file'), '');
  await expect(prepareLibrary(database.sql, join(folder, 'file/media'))).rejects.toMatchObject({ code: 'folder_unusable', message: expect.stringContaining('a part of its path is a file') });
});

test('parts of uploads that broke long ago are removed, everything else stays', async () => {
  const library = await prepareLibrary(database.sql, join(folder, 'media'));
  const inbox = join(library.path, 'inbox');
  const names = [`.upload-${newId()}.part`, `.upload-${newId()}.part`, 'film.part', '.hidden'];
  for (const name of names) await writeFile(join(inbox, name), '');
  await utimes(join(inbox, names[0] ?? ''), new Date(0), new Date(0));
  await utimes(join(inbox, 'film.part'), new Date(0), new Date(0));
  expect(await sweepUploadParts(library, Date.now())).toBe(1);
  expect((await readdir(inbox)).toSorted()).toEqual(names.slice(1).toSorted());
});

const connect = async (url: string, migrationsDir = MIGRATIONS, waitSeconds = 5): Promise<void> => {
  const sql = openDatabase({ url, applicationName: 'test', maxConnections: 2 });
  try {
    await prepareDatabase({ sql, url, migrationsDir, waitSeconds, ctx: Ctx.root('test'), clock: systemClock, logger: createLogger({ service: 'test', level: 'silent' }) });
  } finally {
    await sql.end({ timeout: 0 });
  }
};

test('a database that never answers is one clear sentence without the password', async () => {
  await expect(connect('postgres://user:secret@127.0.0.1:1/none', MIGRATIONS, 0.3)).rejects.toMatchObject({ code: 'database_unreachable', message: expect.stringMatching(/^cannot reach Postgres at postgres:\/\/\*\*\*@127\.0\.0\.1:1\/none/) });
});

test('what waiting cannot mend fails at once: an unknown user, a missing database', async () => {
  await expect(connect(database.url.replace('reelay@', 'nobody-knows@'))).rejects.toMatchObject({ code: 'database_sign_in_refused' });
  await expect(connect(database.url.replace(/[^/]+$/, 'not_there'))).rejects.toMatchObject({ code: 'database_missing', message: expect.stringContaining('not_there') });
});

test('a changed migration stops the start', async () => {
  const migrationsDir = join(folder, 'migrations');
  await cp(MIGRATIONS, migrationsDir, { recursive: true });
  await connect(database.url, migrationsDir);
  const [first = ''] = (await readdir(migrationsDir)).toSorted();
  await chmod(join(migrationsDir, first), 0o644);
  await writeFile(join(migrationsDir, first), '-- changed', { flag: 'a' });
  await expect(connect(database.url, migrationsDir)).rejects.toMatchObject({ code: 'migration_failed' });
});

test('a schema that a newer release has been at is left alone', async () => {
  const older = join(folder, 'older');
  await cp(MIGRATIONS, older, { recursive: true });
  const last = (await readdir(older)).toSorted().at(-1) ?? '';
  await rm(join(older, last));
  await expect(connect(database.url, older)).rejects.toMatchObject({ code: 'schema_newer', message: expect.stringContaining(last) });
});

test('a library whose disk is not mounted is not begun anew', async () => {
  const path = join(folder, 'media');
  await prepareLibrary(database.sql, path);
  await database.sql`insert into videos (id, title, filename, path, size_bytes, mtime_ms) values (${newId()}, 'a', 'a.mp4', 'inbox/a.mp4', 1, 0)`;
  await expect(prepareLibrary(database.sql, join(folder, 'unmounted'))).rejects.toMatchObject({ code: 'library_unusable', message: expect.stringContaining('is empty or not there') });
  await prepareLibrary(database.sql, path);
  await database.sql`delete from videos`;
});
