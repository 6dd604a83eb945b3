import { afterAll, beforeEach, expect, test } from 'vitest';
import { readOutbox } from '../audit/outbox.ts';
import { inTransaction, type Sql } from '../db.ts';
import { pauseJob } from '../jobs/events/pause.ts';
import { releaseAttempt } from '../jobs/events/release.ts';
import { renewLeases } from '../jobs/lease.ts';
import { lockJob, readJob } from '../jobs/transition.ts';
import type { Lease } from '../leases/lease.ts';
import { readNodes } from '../reads/nodes.ts';
import { createTestDatabase, placeJob, runJob, stopTestServer, type TestDatabase, testHello, testJob, testLease, testNode } from '../testing.ts';
import { setAdminState } from './admin-state.ts';
import { unplaceDraining } from './drain.ts';
import { recordHeartbeat } from './heartbeat.ts';
import { registerNode } from './hello.ts';
import type { NodeRow } from './row.ts';

let database: TestDatabase;
let sql: Sql;
let lease: Lease;
let node: NodeRow;
beforeEach(async () => {
  await database?.drop();
  database = await createTestDatabase();
  sql = database.sql;
  lease = await testLease(sql);
  node = await testNode(sql, 'attic');
});
afterAll(async () => {
  await database.drop();
  await stopTestServer();
});

const drain = (seconds: number | null) => setAdminState(sql, 'attic', 'draining', 'admin', seconds);
const beat = async () => {
  const { devices, load } = testHello();
  const seen = await recordHeartbeat(sql, 'attic', { incarnation: node.incarnation, devices, load });
  return seen.kind === 'known' ? seen.drainMs : undefined;
};
const deadlineAt = async () => (await readNodes(sql, ['attic']))[0]?.drainDeadlineAt;
const renew = (...running: { jobId: string; epoch: number }[]) => renewLeases(sql, { nodeId: 'attic', incarnation: node.incarnation, running }, 45_000);

test('the deadline is kept until it is set anew, the node is resumed or cordoned; a new start of the agent keeps it', async () => {
  expect([await beat(), await deadlineAt()]).toEqual([null, null]);
  await drain(60);
  const left = await beat();
  expect(left).toBeGreaterThan(50_000);
  expect(left).toBeLessThanOrEqual(60_000);
  await registerNode(sql, 'attic', testHello({ incarnation: node.incarnation }));
  expect(await deadlineAt()).not.toBeNull();
  await drain(3600);
  expect(await beat()).toBeGreaterThan(3_000_000);
  await drain(0);
  expect(await beat()).toBe(0);
  await drain(null);
  expect([await beat(), await deadlineAt()]).toEqual([null, null]);
  for (const state of ['active', 'cordoned'] as const) {
    await drain(60);
    await setAdminState(sql, 'attic', state, 'admin');
    expect([await beat(), await deadlineAt()]).toEqual([null, null]);
  }
});

test('each change of the deadline is told, and saying the same again is not', async () => {
  const { cursor } = await readOutbox(sql, null, 1);
  await drain(60);
  await drain(90);
  await drain(null);
  await drain(null);
  const { events } = await readOutbox(sql, cursor, 100);
  expect(events.filter(({ topic, event }) => topic === 'nodes' && event === 'draining')).toHaveLength(3);
});

test('what the node has not started is taken back at once; what runs is not, until the deadline', async () => {
  const [queued, running, elsewhere] = await Promise.all([testJob(sql), testJob(sql), testJob(sql)]);
  const other = await testNode(sql, 'cellar');
  await placeJob(sql, lease, queued, node);
  await runJob(sql, lease, running, node);
  await placeJob(sql, lease, elsewhere, other);
  expect(await unplaceDraining(sql)).toEqual([]);
  await drain(3600);
  expect(await unplaceDraining(sql)).toMatchObject([{ id: queued.id, status: 'pending', nodeId: null, retryCount: 0, lostCount: 0 }]);
  expect(await unplaceDraining(sql)).toEqual([]);
  expect(await readJob(sql, elsewhere.id)).toMatchObject({ status: 'queued', nodeId: 'cellar' });
  const ref = { jobId: running.id, epoch: 1 };
  expect(await renew(ref)).toEqual({ renewed: [ref], frozen: [], kill: [] });
  await drain(0);
  expect(await renew(ref)).toEqual({ renewed: [ref], frozen: [], kill: [{ ...ref, reason: 'released', why: 'drain' }] });
  await setAdminState(sql, 'attic', 'active', 'admin');
  expect((await renew(ref)).kill).toEqual([]);
});

test('what runs past the deadline waits again at no cost; a frozen job stays paused', async () => {
  const [running, frozen] = await Promise.all([testJob(sql), testJob(sql)]);
  for (const one of [running, frozen]) await runJob(sql, lease, one, node);
  await pauseJob(sql, frozen.id, { release: false }, 'admin');
  await drain(0);
  const { kill } = await renew({ jobId: running.id, epoch: 1 }, { jobId: frozen.id, epoch: 1 });
  expect(kill.map(({ why }) => why)).toEqual(['drain', 'drain']);
  for (const { id } of [running, frozen]) {
    await inTransaction(sql, async (tx) => {
      const job = await lockJob(tx, id);
      return job && releaseAttempt(tx, job, 'the node is drained');
    });
  }
  expect(await readJob(sql, running.id)).toMatchObject({ status: 'pending', nodeId: null, retryCount: 0, lostCount: 0, retryAfter: null });
  expect(await readJob(sql, frozen.id)).toMatchObject({ status: 'paused', nodeId: null, retryCount: 0 });
});
