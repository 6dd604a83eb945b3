import { randomUUID } from 'node:crypto';
import { isFinal, JOB_EVENTS, JOB_STATUSES, nextStatus } from '@reelay/contracts';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { inTransaction, type Sql } from '../db.ts';
import { acquireLease, type Lease, LeaseLostError, renewLease, resignLease } from '../leases/lease.ts';
import { readLogText } from '../logs/read.ts';
import { readOutbox } from '../audit/outbox.ts';
import { setAdminState } from '../nodes/admin-state.ts';
import { rebuildBookings } from '../nodes/health.ts';
import { registerNode } from '../nodes/hello.ts';
import type { NodeRow } from '../nodes/row.ts';
import { createTestDatabase, placeJob, runJob, stopTestServer, type TestDatabase, testHello, testJob, testLease, testNode } from '../testing.ts';
import { requestCancel } from './events/cancel.ts';
import { completeJob } from './events/complete.ts';
import { failAttempt } from './events/fail.ts';
import { expireLeases, loseOldIncarnations } from './events/lost.ts';
import { pauseJob } from './events/pause.ts';
import { commitPlacements } from './events/place.ts';
import { releaseAttempt } from './events/release.ts';
import { resumeJob } from './events/resume.ts';
import { retryJob } from './events/retry.ts';
import { startAttempt } from './events/start.ts';
import { unplaceAttempt } from './events/unplace.ts';
import { renewLeases } from './lease.ts';
import { saveProgress } from './progress.ts';
import type { JobRow } from './row.ts';
import { lockJob, readJob, transition } from './transition.ts';

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

const job = async (id: string): Promise<JobRow> => {
  const row = await readJob(sql, id);
  if (!row) throw new Error('no such job');
  return row;
};
const booked = async (): Promise<{ slots: number; mb: number }> => {
  const [row] = await sql<{ slots: number; mb: number }[]>`
    select (select sum(slots_cpu + slots_gpu_encode + slots_gpu_ai)::int from nodes) as slots, (select sum(booked_mb)::int from devices) as mb`;
  return row ?? { slots: -1, mb: -1 };
};
const events = async (id: string): Promise<string[]> => {
  const rows = await sql<{ event: string }[]>`select event from audit where entity_id = ${id} order by xid, id`;
  return rows.map(({ event }) => event);
};
const locked = <T>(id: string, work: (tx: Parameters<Parameters<typeof inTransaction>[1]>[0], row: JobRow) => Promise<T>): Promise<T> =>
  inTransaction(sql, async (tx) => {
    const row = await lockJob(tx, id);
    if (!row) throw new Error('no such job');
    return work(tx, row);
  });
const unit = { unitSeconds: 60 };
const broken = { code: 'ffmpeg_failed', message: 'codec not supported', retryable: true };

describe('the state table', () => {
  it('is what the one UPDATE obeys, for every status and event', async () => {
    for (const status of JOB_STATUSES) {
      for (const event of JOB_EVENTS) {
        const { id } = await testJob(sql);
        await sql`update jobs set status = ${status}, node_id = 'node-a', lease_until = now(), completed_at = ${isFinal(status) ? sql`now()` : sql`null`} where id = ${id}`;
        const row = await locked(id, (tx, current) => transition(tx, current, event, {}, { actor: 'tester' }));
        expect(row?.status ?? null, `${status} + ${event}`).toBe(nextStatus(status, event));
        expect((await job(id)).status).toBe(nextStatus(status, event) ?? status);
      }
    }
  });

  it('loses the race when the job moved on meanwhile', async () => {
    const created = await testJob(sql);
    await requestCancel(sql, created.id, 'admin');
    expect(await inTransaction(sql, (tx) => transition(tx, created, 'place', {}, { actor: 'tester' }))).toBeNull();
  });
});

describe('a run', () => {
  it('goes pending → queued → running → completed and gives its booking back', async () => {
    const { id } = await testJob(sql, 'reencode_streaming');
    const placed = await placeJob(sql, lease, { id }, node);
    expect(placed).toMatchObject({ status: 'queued', epoch: 1, nodeId: 'node-a', deviceId: 'software' });
    expect(await booked()).toEqual({ slots: 1, mb: 4000 });
    const claim = { jobId: id, epoch: 1, nodeId: 'node-a', incarnation: node.incarnation };
    expect(await startAttempt(sql, claim)).toEqual({ current: true, changed: true });
    expect(await startAttempt(sql, claim)).toEqual({ current: true, changed: false });
    expect(await startAttempt(sql, { ...claim, epoch: 2 })).toEqual({ current: false, changed: false });
    expect(await startAttempt(sql, { ...claim, nodeId: 'node-b' })).toEqual({ current: false, changed: false });
    expect(await saveProgress(sql, 'node-a', { ...claim, percent: 45.9, phase: 'encoding', message: 'at 2×' })).toBe(true);
    expect(await saveProgress(sql, 'node-b', { ...claim, percent: 90, phase: 'x', message: '' })).toBe(false);
    expect((await job(id)).progress).toBe(45);
    await locked(id, (tx, row) => completeJob(tx, row, {}));
    expect(await job(id)).toMatchObject({ status: 'completed', progress: 100, leaseUntil: null });
    expect(await booked()).toEqual({ slots: 0, mb: 0 });
    expect(await events(id)).toEqual(['created', 'place', 'start', 'complete']);
  });

  it('never books more than a device or a category holds', async () => {
    const jobs = await Promise.all([1, 2, 3].map(() => testJob(sql, 'reencode_streaming')));
    const placements = jobs.map(({ id }) => ({ jobId: id, nodeId: 'node-a', incarnation: node.incarnation, deviceId: 'software' }));
    expect(await commitPlacements(sql, lease, placements, 45_000)).toHaveLength(2);
    const big = await testJob(sql, 'digest_generate', { vramRequired: 9000 });
    expect(await commitPlacements(sql, lease, [{ ...placements[0]!, jobId: big.id }], 45_000)).toHaveLength(0);
    expect(await booked()).toEqual({ slots: 2, mb: 8000 });
  });

  it('is not placed on another start of the node, a drained node, or without the lease', async () => {
    const { id } = await testJob(sql);
    const placement = { jobId: id, nodeId: 'node-a', incarnation: randomUUID(), deviceId: 'software' };
    expect(await commitPlacements(sql, lease, [placement], 45_000)).toEqual([]);
    await setAdminState(sql, 'node-a', 'draining', 'admin');
    expect(await commitPlacements(sql, lease, [{ ...placement, incarnation: node.incarnation }], 45_000)).toEqual([]);
    await setAdminState(sql, 'node-a', 'active', 'admin');
    await resignLease(sql, lease);
    const successor = await testLease(sql, 'other');
    expect(successor.term).toBe(lease.term + 1);
    await expect(commitPlacements(sql, lease, [{ ...placement, incarnation: node.incarnation }], 45_000)).rejects.toBeInstanceOf(LeaseLostError);
    expect((await job(id)).status).toBe('pending');
    expect(await commitPlacements(sql, successor, [{ ...placement, incarnation: node.incarnation }], 45_000)).toHaveLength(1);
  });

  it('goes back to waiting when the node refuses it', async () => {
    const { id } = await testJob(sql);
    await placeJob(sql, lease, { id }, node);
    expect(await unplaceAttempt(sql, id, 1, { code: 'no_slot', message: 'busy' })).toMatchObject({ status: 'pending', nodeId: null, retryCount: 0 });
    expect(await unplaceAttempt(sql, id, 1, { code: 'no_slot', message: 'busy' })).toBeNull();
    expect(await booked()).toEqual({ slots: 0, mb: 0 });
  });
});

describe('failing', () => {
  it('retries after 2, 4 and 8 units, then fails, with markers in the log', async () => {
    const { id } = await testJob(sql);
    const waits: number[] = [];
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      await runJob(sql, lease, { id }, node);
      const row = await locked(id, (tx, current) => failAttempt(tx, current, broken, unit));
      if (row?.retryAfter) {
        const [wait] = await sql<{ s: number }[]>`select extract(epoch from retry_after - now())::float8 as s from jobs where id = ${id}`;
        waits.push(Math.round((wait?.s ?? 0) / 60));
        expect(row.waitingReason).toMatch(new RegExp(`^Waiting to retry until \\d\\d:\\d\\d:\\d\\d UTC \\(retry ${attempt} of 3\\)$`));
        await expect(placeJob(sql, lease, { id }, node)).rejects.toThrow('not placed');
        await sql`update jobs set retry_after = now() where id = ${id}`;
      }
    }
    expect(waits).toEqual([2, 4, 8]);
    expect(await job(id)).toMatchObject({ status: 'failed', retryCount: 3, errorCode: 'ffmpeg_failed', errorMessage: 'codec not supported' });
    const log = await readLogText(sql, id);
    expect(log.split('\n').filter((line) => line.startsWith('---'))).toEqual([
      '--- ERROR ---', '--- RETRY ATTEMPT 1 ---', '--- ERROR ---', '--- RETRY ATTEMPT 2 ---', '--- ERROR ---', '--- RETRY ATTEMPT 3 ---', '--- ERROR ---',
    ]);
    expect((await job(id)).log).toBe(log);
    const again = await retryJob(sql, id, 'admin');
    expect(again).toMatchObject({ kind: 'pending', job: { status: 'pending', retryCount: 4, retryAfter: null, completedAt: null } });
    expect(await readLogText(sql, id)).toMatch(/--- RETRY ATTEMPT 4 ---$/);
    expect(await booked()).toEqual({ slots: 0, mb: 0 });
  });

  it('does not retry what cannot get better', async () => {
    const { id } = await testJob(sql);
    await runJob(sql, lease, { id }, node);
    const row = await locked(id, (tx, current) => failAttempt(tx, current, { ...broken, retryable: false }, unit));
    expect(row).toMatchObject({ status: 'failed', retryCount: 0 });
    expect((await retryJob(sql, (await testJob(sql)).id, 'admin')).kind).toBe('refused');
  });

  it('keeps a frozen job paused, and counts the retry', async () => {
    const { id } = await testJob(sql);
    await runJob(sql, lease, { id }, node);
    await pauseJob(sql, id, { release: false }, 'admin');
    expect(await locked(id, (tx, row) => failAttempt(tx, row, broken, unit))).toMatchObject({ status: 'paused', retryCount: 1, nodeId: null });
    expect(await resumeJob(sql, id, 'admin')).toMatchObject({ kind: 'pending', thaw: null });
  });
});

describe('cancel', () => {
  it('ends what waits at once, with the marker', async () => {
    const { id } = await testJob(sql);
    expect(await requestCancel(sql, id, 'admin')).toMatchObject({ kind: 'cancelled', attempt: null, job: { status: 'cancelled', log: '--- JOB CANCELLED BY ADMIN ---' } });
    expect(await requestCancel(sql, id, 'admin')).toMatchObject({ kind: 'refused' });
    expect(await requestCancel(sql, randomUUID(), 'admin')).toEqual({ kind: 'not_found' });
  });

  it('ends a placed job at once and names the node to tell', async () => {
    const { id } = await testJob(sql);
    await placeJob(sql, lease, { id }, node);
    expect(await requestCancel(sql, id, 'admin')).toMatchObject({ kind: 'cancelled', attempt: { nodeId: 'node-a', epoch: 1 } });
    expect(await booked()).toEqual({ slots: 0, mb: 0 });
    expect(await startAttempt(sql, { jobId: id, epoch: 1, nodeId: 'node-a', incarnation: node.incarnation })).toMatchObject({ current: false });
  });

  it('of a running job stores the intent, beats retry, and is in the kill list', async () => {
    const { id } = await testJob(sql);
    await runJob(sql, lease, { id }, node);
    expect(await requestCancel(sql, id, 'admin')).toMatchObject({ kind: 'requested', attempt: { nodeId: 'node-a', epoch: 1 }, job: { status: 'running' } });
    expect(await requestCancel(sql, id, 'admin')).toMatchObject({ kind: 'requested' });
    const claim = { nodeId: 'node-a', incarnation: node.incarnation, running: [{ jobId: id, epoch: 1 }] };
    expect(await renewLeases(sql, claim, 45_000)).toEqual({ renewed: [{ jobId: id, epoch: 1 }], frozen: [], kill: [{ jobId: id, epoch: 1, reason: 'cancelled' }] });
    expect(await locked(id, (tx, row) => failAttempt(tx, row, broken, unit))).toMatchObject({ status: 'cancelled', retryCount: 0 });
    expect(await events(id)).toEqual(['created', 'place', 'start', 'cancelRequested', 'cancel']);
  });
});

describe('pause and resume', () => {
  it('freezes a running job and keeps its booking', async () => {
    const { id } = await testJob(sql, 'reencode_streaming');
    await runJob(sql, lease, { id }, node);
    expect(await pauseJob(sql, id, { release: false }, 'admin')).toMatchObject({ kind: 'paused', freeze: { nodeId: 'node-a', epoch: 1 }, stop: null });
    expect(await booked()).toEqual({ slots: 1, mb: 4000 });
    const claim = { nodeId: 'node-a', incarnation: node.incarnation, running: [{ jobId: id, epoch: 1 }] };
    expect(await renewLeases(sql, claim, 45_000)).toMatchObject({ renewed: claim.running, frozen: claim.running, kill: [] });
    expect(await resumeJob(sql, id, 'admin')).toMatchObject({ kind: 'running', thaw: { nodeId: 'node-a', epoch: 1 } });
  });

  it('with release gives the booking back, also of a frozen job', async () => {
    for (const freezeFirst of [false, true]) {
      const { id } = await testJob(sql, 'reencode_streaming');
      const { epoch } = await runJob(sql, lease, { id }, node);
      if (freezeFirst) await pauseJob(sql, id, { release: false }, 'admin');
      expect(await pauseJob(sql, id, { release: true }, 'admin')).toMatchObject({ kind: 'paused', freeze: null, stop: { nodeId: 'node-a', epoch } });
      expect(await booked()).toEqual({ slots: 0, mb: 0 });
      const claim = { nodeId: 'node-a', incarnation: node.incarnation, running: [{ jobId: id, epoch }] };
      expect((await renewLeases(sql, claim, 45_000)).kill).toEqual([{ jobId: id, epoch, reason: 'released' }]);
      expect(await resumeJob(sql, id, 'admin')).toMatchObject({ kind: 'pending' });
    }
  });

  it('of a waiting job skips it until it is resumed', async () => {
    const { id } = await testJob(sql);
    expect(await pauseJob(sql, id, { release: false }, 'admin')).toMatchObject({ kind: 'paused', freeze: null, stop: null });
    expect(await pauseJob(sql, id, { release: false }, 'admin')).toMatchObject({ kind: 'refused' });
    await expect(placeJob(sql, lease, { id }, node)).rejects.toThrow('not placed');
    expect(await resumeJob(sql, id, 'admin')).toMatchObject({ kind: 'pending' });
    expect(await resumeJob(sql, id, 'admin')).toMatchObject({ kind: 'refused' });
  });
});

describe('losing a node', () => {
  it('requeues without a retry, and fails the job when it keeps happening', async () => {
    const { id } = await testJob(sql);
    for (let times = 1; times <= 3; times += 1) {
      await runJob(sql, lease, { id }, node, -1);
      const [lost] = await expireLeases(sql, lease, 100);
      expect(lost?.job).toMatchObject({ id, status: 'pending', lostCount: times, retryCount: 0, excludedNodes: [] });
    }
    await runJob(sql, lease, { id }, node, -1);
    expect((await expireLeases(sql, lease, 100))[0]?.job).toMatchObject({ status: 'failed', errorCode: 'node_lost' });
    expect(await booked()).toEqual({ slots: 0, mb: 0 });
  });

  it('leaves leases that hold alone', async () => {
    const { id } = await testJob(sql);
    await runJob(sql, lease, { id }, node);
    expect(await expireLeases(sql, lease, 100)).toEqual([]);
  });

  it('excludes the lost node when there are others', async () => {
    await testNode(sql, 'node-b');
    const { id } = await testJob(sql);
    await runJob(sql, lease, { id }, node, -1);
    const [lost] = await expireLeases(sql, lease, 100);
    expect(lost?.job.excludedNodes).toEqual(['node-a']);
    expect(lost?.job.requirementClass).toMatch(/:x=node-a$/);
  });

  it('keeps a frozen job paused', async () => {
    const { id } = await testJob(sql);
    await runJob(sql, lease, { id }, node, -1);
    await pauseJob(sql, id, { release: false }, 'admin');
    expect((await expireLeases(sql, lease, 100))[0]?.job).toMatchObject({ status: 'paused', nodeId: null });
    expect(await resumeJob(sql, id, 'admin')).toMatchObject({ kind: 'pending' });
  });

  it('takes the newest start of an agent for the node, for good', async () => {
    const { id } = await testJob(sql);
    await runJob(sql, lease, { id }, node);
    const newer = testHello();
    expect(await registerNode(sql, 'node-a', newer)).toMatchObject({ fresh: true, superseded: false });
    expect(await registerNode(sql, 'node-a', testHello({ incarnation: node.incarnation }))).toMatchObject({ superseded: true });
    const [lost] = await loseOldIncarnations(sql, 'node-a', newer.incarnation);
    expect(lost?.job).toMatchObject({ id, status: 'pending', lostCount: 1 });
    const claim = { nodeId: 'node-a', incarnation: node.incarnation, running: [{ jobId: id, epoch: 1 }] };
    expect((await renewLeases(sql, claim, 45_000)).kill).toEqual([{ jobId: id, epoch: 1, reason: 'stale' }]);
  });

  it('takes a job back that the node gave up by itself', async () => {
    const { id } = await testJob(sql);
    await runJob(sql, lease, { id }, node);
    expect(await locked(id, (tx, row) => releaseAttempt(tx, row, 'the agent stops'))).toMatchObject({ status: 'pending', retryCount: 0, lostCount: 0 });
  });
});

describe('the leader', () => {
  it('is one; its term grows; a stale one cannot renew', async () => {
    expect(await acquireLease(sql, 'scheduler', 'other', 1000)).toBeNull();
    expect(await renewLease(sql, lease, 60_000)).toBe(true);
    await resignLease(sql, lease);
    expect(await renewLease(sql, lease, 60_000)).toBe(false);
    expect(await acquireLease(sql, 'scheduler', 'other', 60_000)).toMatchObject({ holder: 'other', term: 2 });
    await resignLease(sql, lease);
    expect(await acquireLease(sql, 'scheduler', 'third', 1000)).toBeNull();
  });

  it('sets bookings to what the attempts say', async () => {
    const { id } = await testJob(sql, 'reencode_streaming');
    await runJob(sql, lease, { id }, node);
    await sql`update nodes set slots_cpu = 4, slots_gpu_encode = 0`;
    await sql`update devices set booked_mb = 12345`;
    await rebuildBookings(sql, lease);
    expect(await booked()).toEqual({ slots: 1, mb: 4000 });
  });
});

/** A promise with the function that fulfils it. */
const signal = (): { promise: Promise<void>; give: () => void } => {
  let give: (() => void) | undefined;
  const promise = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { promise, give: () => give?.() };
};

it('the outbox never passes a transaction that still runs', async () => {
  const { cursor } = await readOutbox(sql, null, 100);
  const late = await testJob(sql);
  const [began, mayCommit] = [signal(), signal()];
  const slow = inTransaction(sql, async (tx) => {
    const row = await lockJob(tx, late.id);
    if (row) await transition(tx, row, 'pause', {}, { actor: 'slow' });
    began.give();
    await mayCommit.promise;
  });
  await began.promise;
  const quick = await testJob(sql);
  const first = await readOutbox(sql, cursor, 100);
  expect(first.events.map(({ entityId, event }) => [entityId, event])).toEqual([[late.id, 'created']]);
  mayCommit.give();
  await slow;
  const second = await readOutbox(sql, first.cursor, 100);
  expect(second.events.map(({ entityId, event }) => [entityId, event])).toEqual([[late.id, 'pause'], [quick.id, 'created']]);
});
