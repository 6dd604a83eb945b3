import { afterAll, beforeAll, expect, it } from 'vitest';
import { inTransaction, openDatabase } from '../db.ts';
import { createTestDatabase, stopTestServer, type TestDatabase } from '../testing.ts';
import { acquireLease, requireLease } from './lease.ts';

let database: TestDatabase;
let thaw: () => void = () => {};
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await database.drop();
  await stopTestServer();
});

it('is not kept by a leader that was frozen in the middle of a transaction', async () => {
  const frozen = openDatabase({ url: database.url, applicationName: 'frozen', maxConnections: 2, idleInTransactionMs: 300 });
  const lease = await acquireLease(frozen, 'scheduler', 'frozen', 1_000);
  if (!lease) throw new Error('the lease is taken');
  const thawed = new Promise<void>((resolve) => {
    thaw = resolve;
  });
  const transaction = inTransaction(frozen, async (tx) => {
    await requireLease(tx, lease);
    await thawed;
    await tx`select 1`;
  });
  const ended = expect(transaction).rejects.toThrow();
  await expect.poll(() => acquireLease(database.sql, 'scheduler', 'successor', 60_000), { timeout: 20_000 }).toMatchObject({ term: lease.term + 1 });
  thaw();
  await ended;
  await frozen.end({ timeout: 1 });
});
