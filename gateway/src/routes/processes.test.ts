import { type AllProcesses, type AgentTopic, type EndProcess, type KillProcessReply, killProcessSchema, type NodeProcesses, type Problem, type ProcessInfo, processesRequestSchema, subjects } from '@reelay/contracts';
import type { BusSubscription } from '@reelay/runtime/bus';
import { type Lease, readJob } from '@reelay/store';
import { runJob, testLease, testNode } from '@reelay/store/testing';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../testing/kit.ts';

let gateway: TestGateway;
let lease: Lease;
const open: BusSubscription[] = [];
beforeAll(async () => {
  gateway = await startTestGateway();
  lease = await testLease(gateway.sql);
});
afterEach(() => {
  for (const subscription of open.splice(0)) subscription.unsubscribe();
});
afterAll(() => gateway.stop());

const process = (more: Partial<ProcessInfo> = {}): ProcessInfo => ({
  id: '4711-99', pid: 4711, name: 'job process', kind: 'batch', owner: null, job: null, file: null, state: 'running', uptimeMs: 1000, cpuMs: 500, cpuPercent: 50, rssBytes: 1e8, memoryLimitMb: null,
  members: [{ pid: 4711, name: 'node', cpuMs: 500, rssBytes: 1e8 }], ...more,
});
const killed = (more: Partial<KillProcessReply> = {}): KillProcessReply => ({
  ok: true, result: 'ended', pid: 4711, name: 'job process', job: null, how: 'signal SIGTERM', tookMs: 12, forced: false, ...more,
});
/** Stands in for a node's agent. */
const answer = (nodeId: string, topic: AgentTopic, reply: unknown): void => {
  open.push(gateway.bus.serve(subjects.agent(nodeId, topic), {}, topic === 'kill' ? killProcessSchema : processesRequestSchema, () => reply));
};
const end = (node: string, id: string, body?: unknown): Promise<Response> => gateway.call('DELETE', `/api/media/nodes/${node}/processes/${id}`, body === undefined ? {} : { body });
const code = async (response: Response): Promise<[number, string]> => [response.status, ((await response.json()) as Problem).code];
const auditOf = (topic: string, id: string) => gateway.sql<{ event: string; actor: string; detail: string }[]>`
  select event, actor, detail from audit where topic = ${topic} and entity_id = ${id} and event = 'processEnded' order by id`;

test('one node’s processes, with the title of the video they work on', async () => {
  const node = await testNode(gateway.sql, 'one');
  const video = await gateway.upload('film.mkv');
  const job = await gateway.createJob({ type: 'validate', params: { videoId: video.id } });
  await runJob(gateway.sql, lease, job, node);
  answer('one', 'processes', { ok: true, leftOff: 0, processes: [process({ job: { jobId: job.id, epoch: 1, type: 'validate' } }), process({ id: '5-5' })] });
  const list = await gateway.json<NodeProcesses>(200, 'GET', '/api/media/nodes/one/processes');
  expect(list).toMatchObject({ nodeId: 'one', leftOff: 0, data: [{ nodeId: 'one', videoTitle: 'film', job: { jobId: job.id } }, { id: '5-5', videoTitle: null }] });
});

test('nodes that cannot be asked: named in the list of all, 503 by themselves', async () => {
  await testNode(gateway.sql, 'two');
  await testNode(gateway.sql, 'old');
  answer('one', 'processes', { ok: true, leftOff: 1, processes: [process()] });
  answer('old', 'processes', { something: 'else' });
  const all = await gateway.json<AllProcesses>(200, 'GET', '/api/media/processes');
  expect(all).toMatchObject({ data: [{ nodeId: 'one', id: '4711-99' }], leftOff: 1 });
  expect(all.unreachable.map(({ nodeId, code: why }) => [nodeId, why])).toEqual([['old', 'bad_message'], ['two', 'no_responders']]);
  expect(await code(await gateway.call('GET', '/api/media/nodes/two/processes'))).toEqual([503, 'node_unreachable']);
  expect(await code(await gateway.call('GET', '/api/media/nodes/nobody/processes'))).toEqual([404, 'node_not_found']);
  expect(await code(await end('two', '4711-99'))).toEqual([503, 'node_unreachable']);
});

test('for SUPER_ADMIN alone', async () => {
  for (const [method, path] of [['GET', '/api/media/processes'], ['GET', '/api/media/nodes/one/processes'], ['DELETE', '/api/media/nodes/one/processes/1-1']] as const) {
    expect(await code(await gateway.call(method, path, { as: 'ADMIN' }))).toEqual([403, 'forbidden']);
    expect((await gateway.call(method, path, { as: null })).status).toBe(401);
  }
});

test('ended by hand: the node is told who and why, the answer says how it ended, the audit who did it', async () => {
  const heard: unknown[] = [];
  open.push(gateway.bus.serve(subjects.agent('one', 'kill'), {}, killProcessSchema, (message) => {
    heard.push(message);
    return killed();
  }));
  const body = await gateway.json<EndProcess>(200, 'DELETE', '/api/media/nodes/one/processes/4711-99', { body: { reason: ' eats the host ' } });
  expect(body).toEqual({ processId: '4711-99', nodeId: 'one', result: 'ended', pid: 4711, name: 'job process', how: 'signal SIGTERM', tookMs: 12, forced: false, job: null });
  expect(heard).toEqual([{ v: 1, processId: '4711-99', by: 'super_admin', reason: 'eats the host' }]);
  expect(await auditOf('nodes', 'one')).toEqual([{ event: 'processEnded', actor: 'super_admin', detail: 'job process 4711 on node one: eats the host' }]);
});

test('a job’s process: 202 while it is ending, with the job’s status; the audit is the job’s', async () => {
  const node = await testNode(gateway.sql, 'three');
  const job = await gateway.createJob({ type: 'scan' });
  await runJob(gateway.sql, lease, job, node);
  answer('three', 'kill', killed({ result: 'ending', how: null, tookMs: null, job: { jobId: job.id, epoch: 1 } }));
  const response = await end('three', '4711-99');
  expect([response.status, await response.json()]).toMatchObject([202, { result: 'ending', job: { id: job.id, epoch: 1, status: 'running' } }]);
  expect(await auditOf('jobs', job.id)).toMatchObject([{ actor: 'super_admin', detail: 'job process 4711 on node three' }]);
  expect((await readJob(gateway.sql, job.id))?.status).toBe('running');
});

test('a process that is gone, and ids that cannot be one', async () => {
  answer('one', 'kill', killed({ result: 'gone', pid: null, name: null }));
  expect(await code(await end('one', '4711-99'))).toEqual([404, 'process_gone']);
  for (const id of ['4711', '0-1', '-1-5', 'x-1', '1-1;kill']) expect(await code(await end('one', encodeURIComponent(id)))).toEqual([404, 'process_gone']);
  expect(await code(await end('one', '4711-99', { reason: '' }))).toEqual([422, 'invalid_parameter']);
  expect(await code(await end('one', '4711-99', { signal: 9 }))).toEqual([422, 'unknown_parameter']);
});
