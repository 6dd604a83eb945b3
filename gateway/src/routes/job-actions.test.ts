import { type AgentTopic, attemptRefSchema, hintSchema, type Job, type Problem, PROTOCOL_VERSION, subjects } from '@reelay/contracts';
import type { BusSubscription } from '@reelay/runtime/bus';
import { cancelJob, completeJob, inTransaction, type Lease, lockJob, type NodeRow } from '@reelay/store';
import { runJob, testLease, testNode } from '@reelay/store/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../testing/kit.ts';

let gateway: TestGateway;
let lease: Lease;
let node: NodeRow;
beforeAll(async () => {
  gateway = await startTestGateway();
  lease = await testLease(gateway.sql);
  node = await testNode(gateway.sql, 'node-a');
});
afterAll(() => gateway.stop());

const post = (job: { id: string }, action: string, body?: unknown): Promise<Response> =>
  gateway.call('POST', `/api/media/jobs/${job.id}/${action}`, body === undefined ? {} : { body });
const running = async (): Promise<Job> => {
  const job = await gateway.createJob({ type: 'scan' });
  await runJob(gateway.sql, lease, job, node);
  return job;
};
const code = async (response: Response): Promise<[number, string]> => [response.status, ((await response.json()) as Problem).code];

/** A node that answers one kind of order and notes what it heard. */
const nodeHears = (topic: AgentTopic, act: (jobId: string) => Promise<void> = async () => {}): { heard: unknown[]; subscription: BusSubscription } => {
  const heard: unknown[] = [];
  const subscription = gateway.bus.serve(subjects.agent('node-a', topic), {}, attemptRefSchema.loose(), (message) => {
    heard.push(message);
    act(message.jobId).catch((error: unknown) => heard.push(error));
    return { ok: true, known: true };
  });
  return { heard, subscription };
};
const settle = (how: 'cancelled' | 'completed') => async (jobId: string): Promise<void> => {
  await inTransaction(gateway.sql, async (tx) => {
    const job = await lockJob(tx, jobId);
    if (!job) return;
    await (how === 'cancelled' ? cancelJob(tx, job, 'node:node-a') : completeJob(tx, job, {}));
  });
  gateway.bus.publish(subjects.hintOutbox, { v: PROTOCOL_VERSION });
};

test('cancel of a waiting job is at once, with the marker in its log; a second one is refused', async () => {
  const job = await gateway.createJob({ type: 'scan' });
  const body = await (await post(job, 'cancel')).json();
  expect(body).toMatchObject({ id: job.id, status: 'cancelled', log: '--- JOB CANCELLED BY ADMIN ---' });
  expect(await code(await post(job, 'cancel'))).toEqual([409, 'job_state_conflict']);
});

test('cancel of a running job tells the node at once and answers with how it ended', async () => {
  const job = await running();
  const { heard, subscription } = nodeHears('cancel', settle('cancelled'));
  const response = await post(job, 'cancel');
  subscription.unsubscribe();
  expect(heard).toMatchObject([{ jobId: job.id, epoch: 1, reason: 'cancelled' }]);
  expect([response.status, await response.json()]).toMatchObject([200, { status: 'cancelled' }]);
});

test('a completion that was first wins, and the answer says so', async () => {
  const job = await running();
  const { subscription } = nodeHears('cancel', settle('completed'));
  const response = await post(job, 'cancel');
  subscription.unsubscribe();
  expect([response.status, await response.json()]).toMatchObject([200, { status: 'completed' }]);
});

test('a node that cannot be reached: 202 with the intent stored', async () => {
  const job = await running();
  const response = await post(job, 'cancel');
  const body = (await response.json()) as { status: string; cancelRequestedAt: string | null };
  expect([response.status, body.status]).toEqual([202, 'running']);
  expect(body.cancelRequestedAt).not.toBeNull();
  expect(await code(await post(job, 'pause'))).toEqual([409, 'job_state_conflict']);
});

test('pause and resume: waiting, frozen on its node, and released', async () => {
  const waiting = await gateway.createJob({ type: 'scan' });
  expect(await (await post(waiting, 'pause')).json()).toEqual({ id: waiting.id, status: 'paused' });
  expect(await (await post(waiting, 'resume')).json()).toEqual({ id: waiting.id, status: 'pending' });
  expect(await code(await post(waiting, 'resume'))).toEqual([409, 'job_state_conflict']);

  const frozen = await running();
  const pauses = nodeHears('pause');
  const resumes = nodeHears('resume');
  expect(await (await gateway.call('POST', `/api/media/jobs/${frozen.id}/pause`, { raw: '', headers: { 'content-type': 'application/json' } })).json()).toEqual({ id: frozen.id, status: 'paused' });
  expect(await (await post(frozen, 'resume')).json()).toEqual({ id: frozen.id, status: 'running' });
  expect([pauses.heard, resumes.heard]).toMatchObject([[{ jobId: frozen.id, epoch: 1 }], [{ jobId: frozen.id, epoch: 1 }]]);
  pauses.subscription.unsubscribe();
  resumes.subscription.unsubscribe();

  const cancels = nodeHears('cancel');
  expect(await (await post(frozen, 'pause', { release: true })).json()).toEqual({ id: frozen.id, status: 'paused' });
  expect(cancels.heard).toMatchObject([{ jobId: frozen.id, reason: 'released' }]);
  cancels.subscription.unsubscribe();
  expect(await (await post(frozen, 'resume')).json()).toEqual({ id: frozen.id, status: 'pending' });
  expect(await code(await post(frozen, 'pause', { release: 'yes' }))).toEqual([422, 'invalid_parameter']);
  expect(await code(await post(frozen, 'pause', { now: true }))).toEqual([422, 'unknown_parameter']);
});

test('retry of a failed job: waiting again, counted, marked in the log; only failed ones', async () => {
  const job = await gateway.createJob({ type: 'scan' });
  expect(await code(await post(job, 'retry'))).toEqual([409, 'job_state_conflict']);
  await gateway.sql`update jobs set status = 'failed', completed_at = now(), retry_count = 3 where id = ${job.id}`;
  const body = (await (await post(job, 'retry')).json()) as { log: string };
  expect(body).toMatchObject({ id: job.id, status: 'pending', retryCount: 4, retryAfter: null });
  expect(body.log).toContain('--- RETRY ATTEMPT 4 ---');
});

test('priority and labels change; a finished job’s priority does not', async () => {
  const job = await gateway.createJob({ type: 'scan' });
  const patch = (body: unknown): Promise<Response> => gateway.call('PATCH', `/api/media/jobs/${job.id}`, { body });
  expect(await (await patch({ priority: 1 })).json()).toMatchObject({ priority: 1, rev: 2 });
  expect(await (await patch({ labels: { a: 'b' } })).json()).toMatchObject({ labels: { a: 'b' }, priority: 1 });
  expect(await code(await patch({}))).toEqual([422, 'invalid_parameter']);
  expect(await code(await patch({ status: 'completed' }))).toEqual([422, 'unknown_parameter']);
  await post(job, 'cancel');
  expect(await code(await patch({ priority: 2 }))).toEqual([409, 'job_state_conflict']);
});

test('every change of the queue is hinted to the scheduler', async () => {
  const hints: string[] = [];
  const subscription = gateway.bus.subscribe(subjects.hintPlace, hintSchema, (_hint, { subject }) => hints.push(subject));
  await gateway.bus.flush();
  const job = await gateway.createJob({ type: 'scan' });
  await post(job, 'cancel');
  await gateway.bus.flush();
  await expect.poll(() => hints.length).toBeGreaterThanOrEqual(2);
  subscription.unsubscribe();
});

test('the log: text, a cursor to read on from, and an event stream until the job is over', async () => {
  const job = await running();
  await gateway.sql`
    insert into job_log_chunks (job_id, epoch, line_offset, lines)
    values (${job.id}, 1, 0, '[{"at":"2026-02-13T10:30:15.000Z","stream":"job","text":"Starting"},{"at":"2026-02-13T10:30:16.000Z","stream":"ffmpeg","text":"frame=1"}]')`;
  const whole = await gateway.call('GET', `/api/media/jobs/${job.id}/log`);
  expect(await whole.text()).toBe('[2026-02-13 10:30:15] Starting\n[2026-02-13 10:30:16] frame=1\n');
  const cursor = whole.headers.get('x-log-cursor') ?? '';
  expect(await (await gateway.call('GET', `/api/media/jobs/${job.id}/log?after=${cursor}`)).text()).toBe('');
  expect(await (await gateway.call('GET', `/api/media/jobs/${job.id}/log?stream=ffmpeg`)).text()).toBe('[2026-02-13 10:30:16] frame=1\n');
  expect(await code(await gateway.call('GET', `/api/media/jobs/${job.id}/log?stream=other`))).toEqual([422, 'invalid_parameter']);

  const follow = await gateway.call('GET', `/api/media/jobs/${job.id}/log?follow=1`);
  const text = follow.text();
  await settle('cancelled')(job.id);
  const events = await text;
  expect(events).toContain('data: {"lines":["[2026-02-13 10:30:15] Starting","[2026-02-13 10:30:16] frame=1"]}');
  expect(events).toContain('--- JOB CANCELLED BY ADMIN ---');
  expect(events.trimEnd().endsWith('data: {}')).toBe(true);
});
