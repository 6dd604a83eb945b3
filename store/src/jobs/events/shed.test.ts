import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { inTransaction, type Sql, type Tx } from '../../db.ts';
import type { Lease } from '../../leases/lease.ts';
import { readLogText } from '../../logs/read.ts';
import type { NodeRow } from '../../nodes/row.ts';
import { createTestDatabase, runJob, stopTestServer, type TestDatabase, testJob, testLease, testNode } from '../../testing.ts';
import type { JobRow } from '../row.ts';
import { lockJob } from '../transition.ts';
import { requestCancel } from './cancel.ts';
import { failAttempt } from './fail.ts';
import { pauseJob } from './pause.ts';
import { shedAttempt } from './shed.ts';

let database: TestDatabase;
let sql: Sql;
let lease: Lease;
let node: NodeRow;

beforeEach(async () => {
  await database?.drop();
  database = await createTestDatabase();
  sql = database.sql;
  lease = await testLease(sql);
  node = await testNode(sql, 'node-a');
});
afterAll(async () => {
  await database.drop();
  await stopTestServer();
});

const locked = (id: string, change: (tx: Tx, row: JobRow) => Promise<JobRow | null>): Promise<JobRow | null> => inTransaction(sql, async (tx) => {
  const row = await lockJob(tx, id);
  return row ? change(tx, row) : null;
});
const booked = async (): Promise<unknown> => (await sql`select slots_cpu + slots_gpu_encode + slots_gpu_ai as slots from nodes where id = 'node-a'`)[0];
const shed = (id: string) => locked(id, (tx, row) => shedAttempt(tx, row, '97% of 16 GB in use', { unitSeconds: 60 }));
const waitSeconds = async (id: string): Promise<number> =>
  (await sql<{ seconds: number }[]>`select round(extract(epoch from retry_after - now()))::int as seconds from jobs where id = ${id}`)[0]?.seconds ?? -1;

describe('shedding', () => {
  it('gives the job back at no cost, later each time, and fails it when it keeps happening', async () => {
    const { id } = await testJob(sql);
    for (const [index, seconds] of [30, 60, 120].entries()) {
      await runJob(sql, lease, { id }, node);
      expect(await shed(id)).toMatchObject({ status: 'pending', retryCount: 0, lostCount: index + 1, nodeId: null, waitingReason: expect.stringContaining('memory of node node-a') });
      expect(Math.abs(await waitSeconds(id) - seconds)).toBeLessThanOrEqual(1);
      await sql`update jobs set retry_after = now() where id = ${id}`;
    }
    await runJob(sql, lease, { id }, node);
    expect(await shed(id)).toMatchObject({ status: 'failed', errorCode: 'memory_pressure', retryCount: 0 });
    expect(await booked()).toEqual({ slots: 0 });
    const log = await readLogText(sql, id);
    expect(log.match(/--- JOB ENDED TO FREE MEMORY ---\nEnded by node node-a: 97% of 16 GB in use/g)).toHaveLength(4);
    expect(log).toContain('--- ERROR ---\nEnded to free memory, or lost its node, 4 times');
  });

  it('goes elsewhere where it can, and never beats a cancel', async () => {
    await testNode(sql, 'node-b');
    const [one, two] = [await testJob(sql), await testJob(sql)];
    await runJob(sql, lease, one, node);
    expect((await shed(one.id))?.excludedNodes).toEqual(['node-a']);
    await runJob(sql, lease, two, node);
    await requestCancel(sql, two.id, 'admin');
    expect(await shed(two.id)).toMatchObject({ status: 'cancelled', lostCount: 0 });
  });

  it('keeps a frozen job paused', async () => {
    const { id } = await testJob(sql);
    await runJob(sql, lease, { id }, node);
    await pauseJob(sql, id, { release: false }, 'admin');
    expect(await shed(id)).toMatchObject({ status: 'paused', nodeId: null, lostCount: 1 });
  });
});

describe('ending by hand', () => {
  it('fails the job without a retry, with its own marker in the log', async () => {
    const { id } = await testJob(sql);
    await runJob(sql, lease, { id }, node);
    const error = { code: 'killed_by_hand', message: 'Ended by hand by admin.', retryable: false };
    expect(await locked(id, (tx, row) => failAttempt(tx, row, error, { unitSeconds: 60 }))).toMatchObject({ status: 'failed', retryCount: 0, errorCode: 'killed_by_hand' });
    expect(await readLogText(sql, id)).toContain('--- JOB ENDED BY HAND ---\n--- ERROR ---\nEnded by hand by admin.');
  });
});
