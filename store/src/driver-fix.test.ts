import { afterAll, beforeAll, expect, it } from 'vitest';
import { fixDriver } from '../../launcher/driver-fix.mjs';
import { openDatabase, type Sql } from './db.ts';
import { createTestDatabase, stopTestServer, type TestDatabase } from './testing.ts';

let database: TestDatabase;
let killer: Sql;
beforeAll(async () => {
  database = await createTestDatabase();
  killer = openDatabase({ url: database.url, applicationName: 'killer', maxConnections: 1 });
});
afterAll(async () => {
  await killer.end();
  await database.drop();
  await stopTestServer();
});

const killAll = (): Promise<unknown> =>
  killer`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`;

/** A dead connection that nobody has touched yet fails its next query, and is made again for the one after. */
const works = async (): Promise<boolean> => {
  for (let tries = 0; tries < 30; tries += 1) {
    const rows = await database.sql`select 1 as one`.catch(() => []);
    if (rows.length === 1) return true;
  }
  return false;
};

it('a transaction whose server process ends rejects, and ends nothing else', async () => {
  const transaction = database.sql.begin(async (tx) => {
    await tx`select 1`;
    await killAll();
    await tx`select 2`.catch(() => null);
    await tx`select 3`;
  });
  await expect(transaction).rejects.toThrow();
  expect(await works()).toBe(true);
});

it('connections that are ended in the middle of everything are made again; no query hangs', async () => {
  for (let round = 0; round < 15; round += 1) {
    const queries = Array.from({ length: 30 }, (_, n) => database.sql`select ${n}::int as n`.catch(() => null));
    const transactions = Array.from({ length: 5 }, () => database.sql.begin(async (tx) => {
      await tx`select 1`;
      await tx`select 2`;
    }).catch(() => null));
    await killAll();
    await Promise.all([...queries, ...transactions]);
    expect(await works()).toBe(true);
  }
});

it('the fix refuses a driver that it was not made for', () => {
  expect(() => fixDriver('export default 1')).toThrow('driver changed');
});
