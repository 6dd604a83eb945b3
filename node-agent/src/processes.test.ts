/** What a node says of its processes, what it holds them to, and how a person ends one. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import type { WorkOrder } from '@reelay/contracts';
import { newId } from '@reelay/runtime';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { makeClip } from '../testing/clips.ts';
import { eventually } from '../testing/eventually.ts';
import { encodersOf, processesOf } from '../testing/processes.ts';
import { type RunningAgent, TestBench } from '../testing/test-node.ts';
import { processList } from './processes/list.ts';

let bench: TestBench;
let node: RunningAgent | undefined;
beforeAll(async () => {
  bench = await TestBench.open();
  makeClip(join(bench.library, 'long.mp4'), { seconds: 60, size: '640x360' });
  mkdirSync(join(bench.library, 'playback'));
});
afterEach(async () => {
  await node?.stop();
  node = undefined;
  expect(processesOf(bench.workDir)).toEqual([]);
});
afterAll(() => bench.close());

const running = async (): Promise<WorkOrder> => {
  const order = await bench.hub.order(
    'reencode_streaming', { videoId: null, targetBitrate: 2000, preset: 'veryslow', crf: 18, skipIfReady: false, durationSeconds: 60 },
    { input: 'long.mp4', output: `playback/${newId()}.mp4` },
  );
  await bench.hub.run(order);
  await eventually('progress', () => bench.hub.progress.some(({ jobId, percent }) => jobId === order.jobId && percent > 0));
  return order;
};
const waiting = () => eventually('the waiting process', async () => (await bench.hub.processes()).find(({ owner }) => owner === 'waiting for a job'));

it('lists a job with its tree and figures, and the process that waits', async () => {
  node = await bench.startAgent();
  const { jobId, epoch } = await running();
  await waiting();
  const list = await bench.hub.processes();
  expect(list.map(({ kind, job }) => [kind, job])).toEqual([['batch', { jobId, epoch, type: 'reencode_streaming' }], ['batch', null]]);
  const [job] = list;
  expect(job).toMatchObject({ id: expect.stringMatching(/^\d+-\d+$/), name: 'job process', owner: `job ${jobId}/${epoch}`, file: 'long.mp4', state: 'running', memoryLimitMb: null });
  expect(job?.members.map(({ pid, name }) => [pid, name])).toEqual([[job?.pid, 'node'], [expect.any(Number), 'ffmpeg']]);
  expect(job?.cpuMs).toBeGreaterThan(0);
  expect(job?.rssBytes).toBe(job?.members.reduce((sum, { rssBytes }) => sum + rssBytes, 0));

  await bench.hub.control('pause', { jobId, epoch });
  expect((await eventually('the frozen one', async () => (await bench.hub.processes()).find(({ state }) => state === 'frozen')))?.job?.jobId).toBe(jobId);
});

it('a job stands back behind others, and goes first when the kernel is out of memory: with all it starts', async () => {
  node = await bench.startAgent({ REELAY_BATCH_NICE: '7' });
  await running();
  const job = (await bench.hub.processes()).find((process) => process.job !== null);
  expect(job?.members).toHaveLength(2);
  for (const { pid, name } of job?.members ?? []) {
    expect([name, getPriority(pid), readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim()]).toEqual([name, 7, '500']);
  }
  expect(getPriority(encodersOf(bench.workDir)[0]?.pid)).toBe(7);
});

it('the process that waits may be ended by hand: there is another one soon; what is gone is said to be gone', async () => {
  node = await bench.startAgent();
  const { id, pid } = await waiting();
  expect(await bench.hub.endProcess(id, 'ann')).toMatchObject({ ok: true, result: 'ended', pid, name: 'job process', job: null, forced: false });
  expect(await bench.hub.endProcess(id, 'ann')).toMatchObject({ result: 'gone', pid: null });
  // The right pid with another start is another process.
  const next = await eventually('the next one', async () => (await bench.hub.processes()).find((process) => process.id !== id));
  expect(await bench.hub.endProcess(`${next?.pid ?? 1}-1`, 'ann')).toMatchObject({ result: 'gone' });
  expect(processesOf(bench.workDir).map((process) => process.pid)).toContain(next?.pid);
});

it('a job that talks without end keeps no heartbeat from going out', async () => {
  const program = join(bench.folder, 'talker.mjs');
  const line = { kind: 'log', line: { at: '2026-01-01T00:00:00.000Z', stream: 'job', text: 'x'.repeat(200) } };
  writeFileSync(program, `const lines = ${JSON.stringify(`${JSON.stringify(line)}\n`)}.repeat(500);
    const talk = () => process.stdout.write(lines, talk);
    process.stdin.once('data', talk);`);
  node = await bench.startAgent({ REELAY_KILL_GRACE_MS: '300' }, undefined, { jobProgram: program });
  const order = await bench.hub.order('validate', { videoId: newId(), deep: false }, { input: 'long.mp4' });
  await bench.hub.run(order);
  await eventually('its log', () => bench.hub.log(order).length > 100_000);
  const before = bench.hub.heartbeats.length;
  const rssBefore = process.memoryUsage.rss();
  await eventually('ten heartbeats', () => bench.hub.heartbeats.length >= before + 10);
  expect(process.memoryUsage.rss() - rssBefore).toBeLessThan(200 * 2 ** 20);
  await bench.hub.control('cancel', order);
  expect(await bench.hub.outcome(order)).toEqual({ kind: 'cancelled' });
  rmSync(program);
});

const info = (pid: number, kind: 'tool' | 'batch') => ({
  id: `${pid}-1`, pid, name: 'x', kind, owner: null, file: 'f'.repeat(900), state: 'running' as const, frozen: false, uptimeMs: pid, cpuMs: 0, cpuPercent: 0, rssBytes: 0, members: [],
  limits: { nice: null, ioPriority: null, memoryMb: null, memoryBy: null, cpuCores: null },
});

it('an answer holds what fits, jobs first, and counts the rest', () => {
  const all = [...Array.from({ length: 1000 }, (_, pid) => info(pid + 2, 'tool')), info(5000, 'batch')];
  const reply = processList(all, { ofProcess: () => undefined });
  expect(Buffer.byteLength(JSON.stringify(reply))).toBeLessThanOrEqual(512 * 1024);
  expect(reply.processes[0]).toMatchObject({ pid: 5000, kind: 'batch' });
  expect(reply.processes.length + reply.leftOff).toBe(1001);
});
