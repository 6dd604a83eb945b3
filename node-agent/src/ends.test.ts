/** Every way in which an attempt ends: one log line with the right cause, the outcome told, nothing left. */
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobOutcome, WorkOrder } from '@reelay/contracts';
import { createLogger, newId } from '@reelay/runtime';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { makeClip } from '../testing/clips.ts';
import { eventually } from '../testing/eventually.ts';
import { encodersOf, processesOf } from '../testing/processes.ts';
import { type RunningAgent, TestBench } from '../testing/test-node.ts';

let bench: TestBench;
let node: RunningAgent | undefined;
let lines: Record<string, unknown>[] = [];
const logger = createLogger({ service: 'agent', level: 'info', destination: { write: (line: string) => void lines.push(JSON.parse(line)) } });

beforeAll(async () => {
  bench = await TestBench.open();
  makeClip(join(bench.library, 'long.mp4'), { seconds: 60, size: '640x360' });
  mkdirSync(join(bench.library, 'playback'));
});
afterEach(async () => {
  await node?.stop();
  node = undefined;
  lines = [];
  expect(processesOf(bench.workDir)).toEqual([]);
  expect(readdirSync(join(bench.workDir, 'scratch'))).toEqual([]);
  expect(readdirSync(join(bench.library, 'playback'))).toEqual([]);
  Object.assign(bench.hub, { superseded: false, adminState: 'active', leaseMs: 30_000, kill: [] });
});
afterAll(() => bench.close());

const start = async (...[env = {}, special]: [env?: Record<string, string>, special?: Parameters<TestBench['startAgent']>[2]]): Promise<RunningAgent> => {
  node = await bench.startAgent(env, logger, special);
  return node;
};
const encode = (more: Partial<WorkOrder> = {}): Promise<WorkOrder> => bench.hub.order(
  'reencode_streaming', { videoId: null, targetBitrate: 2000, preset: 'veryslow', crf: 18, skipIfReady: false, durationSeconds: 60 },
  { input: 'long.mp4', output: `playback/${newId()}.mp4` }, more,
);
/** Runs an encode until its ffmpeg writes. */
const running = async (more: Partial<WorkOrder> = {}): Promise<WorkOrder> => {
  const order = await encode(more);
  await bench.hub.run(order);
  await eventually('progress', () => bench.hub.progress.some(({ jobId, percent }) => jobId === order.jobId && percent > 0));
  return order;
};
/** A stand-in for a tool that answers the node's first questions for real and then does what `script` says. */
const fake = (name: string, tool: string, script: string): string => {
  const path = join(bench.folder, name);
  writeFileSync(path, `#!/bin/sh\ncase "$*" in *-version*|*lavfi*) exec ${tool} "$@";; esac\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
};
const ffmpeg = process.env.FFMPEG_PATH ?? 'ffmpeg';

/** Waits for the end and looks at what it left: in the log, with the hub, on the node. */
const expectEnd = async (order: WorkOrder, cause: string, outcome: Partial<JobOutcome> | null, asked = true): Promise<void> => {
  const { attempts } = (await eventually('the agent', () => node)).agent;
  await eventually('the end', () => attempts.size === 0);
  const ended = lines.filter(({ msg, jobId, epoch }) => msg === 'job ended' && jobId === order.jobId && epoch === order.epoch);
  expect(ended).toHaveLength(1);
  expect(ended[0]).toMatchObject({ cause, outcome: outcome?.kind ?? 'stale', reason: expect.any(String) });
  const terminated = lines.filter(({ msg, pid }) => msg === 'child terminated' && pid === ended[0]?.pid);
  expect(terminated.map((line) => line.cause)).toEqual(asked ? [cause] : []);
  const told = bench.hub.doneMessages.filter(({ jobId, epoch }) => jobId === order.jobId && epoch === order.epoch);
  expect(told.map((message) => message.outcome)).toEqual(outcome === null ? [] : [expect.objectContaining(outcome)]);
  expect(encodersOf(bench.workDir)).toEqual([]);
  expect(existsSync(join(bench.library, order.outputs[0]?.partPath ?? 'none'))).toBe(false);
  expect(attempts.bookedMb('software')).toBe(0);
};
const failed = (code: string): Partial<JobOutcome> => ({ kind: 'failed', error: expect.objectContaining({ code }) });

it('cancel', async () => {
  await start();
  const order = await running();
  await bench.hub.control('cancel', order);
  await expectEnd(order, 'cancelled', { kind: 'cancelled' });
});

it('pause, then release', async () => {
  await start();
  const order = await running();
  await bench.hub.control('pause', order);
  await eventually('the stop', () => encodersOf(bench.workDir)[0]?.state === 'T');
  await bench.hub.control('cancel', order, 'released');
  await expectEnd(order, 'released', { kind: 'released', reason: 'given back on request' });
});

it('drained, with a deadline', async () => {
  await start();
  const order = await running();
  bench.hub.adminState = 'draining';
  await bench.hub.drain(true, 300);
  await expectEnd(order, 'drained', { kind: 'released' });
});

it('the hub falls silent: the lease is lost', async () => {
  bench.hub.leaseMs = 900;
  const { agent } = await start({ FFPROBE_PATH: fake('hung-probe', 'ffprobe', 'exec sleep 600') });
  const order = await bench.hub.order('validate', { videoId: newId(), deep: false }, { input: 'long.mp4' });
  await bench.hub.run(order);
  bench.hub.goAway();
  await eventually('the fence', () => agent.attempts.find(order)?.state === 'reporting');
  bench.hub.comeBack();
  await expectEnd(order, 'lease_lost', { kind: 'released' });
});

it('no progress: the watchdog', async () => {
  await start({ FFMPEG_PATH: fake('hung', ffmpeg, 'exec sleep 600'), REELAY_KILL_GRACE_MS: '500' });
  const order = await encode({ stallMs: 700 });
  await bench.hub.run(order);
  await expectEnd(order, 'stalled', failed('stalled'));
});

it('past its time limit', async () => {
  await start();
  const order = await encode({ timeLimitMs: 1_500 });
  await bench.hub.run(order);
  await expectEnd(order, 'timed_out', failed('time_limit'));
});

it('the host is short of memory: new jobs are refused, then the newest is given back, and the older one stays', async () => {
  let leftMb = 8_000;
  const { agent } = await start({}, { readMemory: () => ({ samples: [{ source: 'host', availableBytes: leftMb * 2 ** 20, totalBytes: 16_000 * 2 ** 20 }], stalledUs: null }) });
  const [older, newer] = [await running(), await running()];
  leftMb = 1_500;
  await eventually('the hub to hear of it', () => bench.hub.loads.at(-1)?.memoryPressure?.level === 'soft');
  const refusal = async () => (await bench.hub.assign(await encode())).results[0]?.refusal;
  expect(await refusal()).toEqual({ code: 'memory_pressure', detail: 'memory is short: 1500 of 16000 MB of memory are left' });
  expect(agent.attempts.size).toBe(2);
  leftMb = 500;
  await eventually('the newest to end', () => agent.attempts.size === 1);
  leftMb = 8_000;
  expect(agent.attempts.find(older)?.state).toBe('running');
  await eventually('the end of it', () => bench.hub.loads.at(-1)?.memoryPressure === null);
  expect((await refusal())?.code).not.toBe('memory_pressure');
  await bench.hub.control('cancel', older);
  await agent.stop();
  await expectEnd(newer, 'memory_pressure', { kind: 'released', cause: 'memory', reason: expect.stringContaining('500 MB of 16000 MB were left') });
  await expectEnd(older, 'cancelled', { kind: 'cancelled' });
});

it('it passes a memory limit of its own', async () => {
  const greedy = `exec ${process.execPath} -e 'const all = []; setInterval(() => all.length < 40 && all.push(Buffer.alloc(16 * 2 ** 20, 1)), 20)'`;
  await start({ FFMPEG_PATH: fake('greedy', ffmpeg, greedy), REELAY_JOB_MEMORY_MB: '256' });
  const order = await encode();
  await bench.hub.run(order);
  await expectEnd(order, 'memory_pressure', { kind: 'failed', error: { code: 'out_of_memory', message: expect.stringContaining('256 MB'), retryable: true } });
});

it('by hand', async () => {
  await start();
  const order = await running();
  const found = (await bench.hub.processes()).find(({ job }) => job?.jobId === order.jobId);
  expect(await bench.hub.endProcess(found?.id ?? '', 'ann', 'too loud')).toMatchObject({ result: 'ended', pid: found?.pid, job: { jobId: order.jobId, epoch: 1 }, forced: false });
  await expectEnd(order, 'killed_by_hand', { kind: 'failed', error: { code: 'killed_by_hand', message: 'Ended by hand by ann: too loud.', retryable: false } });
});

it('the node stops', async () => {
  await start();
  const order = await running();
  await node?.agent.stop();
  await expectEnd(order, 'shutdown', { kind: 'released', reason: 'the node stops' });
});

it('another agent takes over', async () => {
  await start();
  const order = await running();
  bench.hub.superseded = true;
  await expectEnd(order, 'superseded', null);
});

it('a newer attempt takes over', async () => {
  const { agent } = await start();
  const order = await running();
  const next = { ...order, epoch: 2 };
  await bench.hub.run(next);
  await eventually('the first to end', () => agent.attempts.size === 1);
  await bench.hub.control('cancel', next);
  await expectEnd(next, 'cancelled', { kind: 'cancelled' });
  await expectEnd(order, 'superseded', null);
});

it.each([['SIGKILL', 'killed'], ['SIGABRT', 'job_crashed']] as const)('its process is ended from outside by %s, as the kernel does when memory is out or code crashes', async (signal, code) => {
  const { agent } = await start();
  const order = await running();
  process.kill(agent.attempts.find(order)?.process.pid ?? 0, signal);
  await expectEnd(order, code, failed(code), false);
});

it('its ffmpeg is killed from outside', async () => {
  await start();
  const order = await running();
  process.kill((await eventually('ffmpeg', () => encodersOf(bench.workDir)[0])).pid, 'SIGKILL');
  await expectEnd(order, 'killed', failed('killed'), false);
});

it('its ffmpeg cannot be started', async () => {
  await start({ FFMPEG_PATH: fake('unloadable', ffmpeg, 'exit 127') });
  const order = await encode();
  await bench.hub.run(order);
  await expectEnd(order, 'spawn_failed', failed('spawn_failed'), false);
});
