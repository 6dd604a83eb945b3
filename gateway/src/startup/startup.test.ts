import { chmod, cp, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, newId, readLibraryId, systemClock } from '@reelay/runtime';
import { findUserByName, readSetting } from '@reelay/store';
import { createTestDatabase, MIGRATIONS, stopTestServer, type TestDatabase } from '@reelay/store/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { verifyPassword } from '../auth/passwords.ts';
import { connectDatabase } from './database.ts';
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
  await expect(prepareLibrary(database.sql, join(folder, 'file/media'))).rejects.toMatchObject({ code: 'library_unusable' });
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

test('a database that never answers is one clear sentence without the password', async () => {
  const connecting = connectDatabase({ url: 'postgres://user:secret@127.0.0.1:1/none', migrationsDir: MIGRATIONS, waitSeconds: 0.3, clock: systemClock, logger: createLogger({ service: 'test', level: 'silent' }) });
  await expect(connecting).rejects.toMatchObject({ code: 'database_unreachable', message: expect.stringMatching(/^cannot reach Postgres at postgres:\/\/\*\*\*@127\.0\.0\.1:1\/none/) });
});

test('a changed migration stops the start', async () => {
  const migrationsDir = join(folder, 'migrations');
  await cp(MIGRATIONS, migrationsDir, { recursive: true });
  const options = { url: database.url, migrationsDir, waitSeconds: 5, clock: systemClock, logger: createLogger({ service: 'test', level: 'silent' }) };
  const sql = await connectDatabase(options);
  await sql.end();
  const [first = ''] = await readdir(migrationsDir);
  await chmod(join(migrationsDir, first), 0o644);
  await writeFile(join(migrationsDir, first), '-- changed', { flag: 'a' });
  await expect(connectDatabase(options)).rejects.toMatchObject({ code: 'migration_failed' });
});
