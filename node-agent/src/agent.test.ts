import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newId } from '@reelay/runtime';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeClip } from '../testing/clips.ts';
import { eventually } from '../testing/eventually.ts';
import { encodersOf, processesOf } from '../testing/processes.ts';
import type { JobFiles } from '../testing/test-hub.ts';
import { type RunningAgent, TestBench } from '../testing/test-node.ts';
import type { WorkOrder } from '@reelay/contracts';

let bench: TestBench;
let node: RunningAgent | undefined;
let fakes: string;

beforeAll(async () => {
  bench = await TestBench.open();
  makeClip(join(bench.library, 'long.mp4'), { seconds: 60, size: '640x360' });
  makeClip(join(bench.library, 'short.mp4'));
  makeClip(join(bench.library, 'medium.mp4'), { seconds: 12, size: '640x360' });
  mkdirSync(join(bench.library, 'playback'));
  fakes = join(bench.folder, 'fakes');
  mkdirSync(fakes);
});
afterEach(async () => {
  await node?.stop();
  node = undefined;
  expect(processesOf(bench.workDir)).toEqual([]);
  expect(readdirSync(join(bench.workDir, 'scratch'))).toEqual([]);
  expect(readdirSync(join(bench.library, 'playback'), { recursive: true }).map(String).filter((name) => name.includes('.part') && !kept.has(name))).toEqual([]);
  Object.assign(bench.hub, { superseded: false, known: true, heartbeatMs: 100, leaseMs: 30_000, kill: [] });
  bench.hub.stale.clear();
});
afterAll(() => bench.close());

/** Parts of completed jobs: the hub would publish them. */
const kept = new Set<string>();

const encode = (input = 'long.mp4', more: Partial<WorkOrder> = {}, preset = 'veryslow'): Promise<WorkOrder> => {
  const files: JobFiles = { input, output: `playback/${newId()}.mp4` };
  return bench.hub.order('reencode_streaming', { videoId: null, targetBitrate: 2000, preset, crf: 18, skipIfReady: false, durationSeconds: 60 }, files, more);
};
const keep = (order: WorkOrder): void => void kept.add((order.outputs[0]?.partPath ?? '').split('/').pop() ?? '');
const encoding = () => eventually('ffmpeg', () => encodersOf(bench.workDir)[0]);
const moving = (order: WorkOrder) => eventually('progress', () => bench.hub.progress.some(({ jobId, percent }) => jobId === order.jobId && percent > 0));

/** A stand-in for ffmpeg that does the trials for real and `script` for everything else. */
const fakeFfmpeg = (name: string, script: string): string => {
  const path = join(fakes, name);
  writeFileSync(path, `#!/bin/sh\ncase "$*" in *-version*|*lavfi*) exec ${process.env.FFMPEG_PATH ?? 'ffmpeg'} "$@";; esac\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
};

describe('introduction', () => {
  it('says what the host has', async () => {
    node = await bench.startAgent({ REELAY_LABELS: 'zone=attic', REELAY_LIMIT_CPU: '3' });
    expect(bench.hub.hellos.at(-1)).toMatchObject({
      name: 'node-1', encoder: 'libx264', labels: { zone: 'attic' }, limits: { cpu: 3, gpu_encode: 2, gpu_ai: 1 },
      devices: [{ id: 'software', kind: 'software', totalMb: 16_000, freeMb: 16_000 }],
    });
    expect(bench.hub.hellos.at(-1)?.encoderTrials).toContainEqual({ encoder: 'h264_nvenc', deviceId: null, ok: false, reason: 'no NVIDIA device' });
  });
  it('reports NVIDIA devices, and tries NVENC on each', async () => {
    const smi = join(fakes, 'nvidia-smi');
    writeFileSync(smi, '#!/bin/sh\necho "GPU-aa, 0, NVIDIA RTX A4000, 16376, 15800, 3, 41"\necho "GPU-bb, 1, NVIDIA RTX A4000, 16376, [N/A], [N/A], [N/A]"\n');
    chmodSync(smi, 0o755);
    node = await bench.startAgent({ NVIDIA_SMI_PATH: smi });
    const hello = bench.hub.hellos.at(-1);
    expect(hello?.devices.map(({ id, freeMb }) => [id, freeMb])).toEqual([['GPU-aa', 15_800], ['GPU-bb', 16_376]]);
    expect(hello?.encoderTrials.filter(({ encoder }) => encoder === 'h264_nvenc').map(({ deviceId, ok }) => [deviceId, ok])).toEqual([['GPU-aa', false], ['GPU-bb', false]]);
    expect(hello?.encoder).toBe('libx264');
  });
  it('says hello again when the hub does not know it', async () => {
    node = await bench.startAgent();
    const before = bench.hub.hellos.length;
    bench.hub.known = false;
    await eventually('a second hello', () => bench.hub.hellos.length > before);
    bench.hub.known = true;
  });
  it('beats again at once when nobody answered in time: the scheduler that was asked may stand still', async () => {
    Object.assign(bench.hub, { heartbeatMs: 600_000, unansweredHeartbeats: 2 });
    const before = bench.hub.heartbeats.length;
    node = await bench.startAgent();
    await eventually('a third heartbeat', () => bench.hub.heartbeats.length >= before + 3, 30_000);
  });
  it('ends its jobs and stops when a newer agent took over', async () => {
    node = await bench.startAgent();
    await bench.hub.run(await encode());
    await encoding();
    bench.hub.superseded = true;
    await eventually('the end', () => node?.supersededCalls() === 1);
    expect(encodersOf(bench.workDir)).toEqual([]);
  });
});

describe('assignment', () => {
  it('accepts a duplicate again, and runs it once', async () => {
    node = await bench.startAgent();
    const order = await encode();
    const replies = await Promise.all([bench.hub.assign(order), bench.hub.assign(order)]);
    expect(replies.map(({ results }) => results[0]?.accepted)).toEqual([true, true]);
    await encoding();
    expect(encodersOf(bench.workDir)).toHaveLength(1);
    expect(bench.hub.started.filter(({ jobId }) => jobId === order.jobId)).toHaveLength(1);
  });
  it('refuses lower epochs, other starts, too much, and while draining', async () => {
    node = await bench.startAgent({ REELAY_LIMIT_GPU_ENCODE: '1' });
    const order = await encode('long.mp4', { epoch: 3 });
    await bench.hub.run(order);
    const refusal = async (other: WorkOrder) => (await bench.hub.assign(other)).results[0]?.refusal?.code;
    expect(await refusal({ ...order, epoch: 2 })).toBe('stale_epoch');
    expect(await refusal(await encode())).toBe('no_slot');
    expect(await refusal(await bench.hub.order('validate', {}, { input: 'short.mp4' }, { vramMb: 14_000 }))).toBe('no_vram');
    await bench.hub.drain(true);
    expect(await refusal(await bench.hub.order('validate', {}, { input: 'short.mp4' }))).toBe('draining');
    const stranger = bench.hub.hellos.at(-1);
    if (stranger) bench.hub.hellos.push({ ...stranger, incarnation: newId() });
    expect(await refusal(await encode())).toBe('wrong_incarnation');
    bench.hub.hellos.pop();
  });
  it('lets a newer epoch push an older one aside', async () => {
    node = await bench.startAgent();
    const order = await encode();
    await bench.hub.run(order);
    const first = await encoding();
    await bench.hub.run({ ...order, epoch: 2, outputs: order.outputs.map((output) => ({ ...output, partPath: output.partPath.replace(/\.1\.part$/, '.2.part') })) });
    await eventually('the first ffmpeg to be gone', () => !encodersOf(bench.workDir).some(({ pid }) => pid === first.pid));
    await eventually('the second', () => encodersOf(bench.workDir)[0]);
    expect(bench.hub.doneMessages.filter(({ jobId, epoch }) => jobId === order.jobId && epoch === 1)).toEqual([]);
  });
  it('ends an attempt that the hub does not call current', async () => {
    node = await bench.startAgent();
    const order = await encode();
    bench.hub.stale.add(order.jobId);
    await bench.hub.run(order);
    await eventually('the end', () => node?.agent.attempts.size === 0);
    expect(bench.hub.doneMessages.some(({ jobId }) => jobId === order.jobId)).toBe(false);
  });
});

describe('ending a job', () => {
  it('cancels: ffmpeg is gone and no part is left', async () => {
    node = await bench.startAgent();
    const order = await encode();
    await bench.hub.run(order);
    await moving(order);
    expect(await bench.hub.control('cancel', order)).toEqual({ ok: true, known: true });
    expect(await bench.hub.outcome(order)).toEqual({ kind: 'cancelled' });
    expect(encodersOf(bench.workDir)).toEqual([]);
    expect(await bench.hub.control('cancel', { ...order, epoch: 9 })).toEqual({ ok: true, known: false });
  });
  it('obeys the kill list of a heartbeat', async () => {
    node = await bench.startAgent();
    const order = await encode();
    await bench.hub.run(order);
    await encoding();
    bench.hub.kill = [{ jobId: order.jobId, epoch: order.epoch, reason: 'released' }];
    expect(await bench.hub.outcome(order)).toEqual({ kind: 'released', reason: 'given back on request' });
  });
  it('freezes and thaws the whole group, and cancels a frozen job', async () => {
    node = await bench.startAgent();
    const order = await encode('long.mp4', { stallMs: 1_500 });
    await bench.hub.run(order);
    await moving(order);
    const states = () => processesOf(bench.workDir).filter(({ command }) => /ffmpeg|job-process/.test(command)).map(({ state }) => state);
    const { pid } = await encoding();
    expect(await bench.hub.control('pause', order)).toEqual({ ok: true, known: true });
    await eventually('the stop', () => encodersOf(bench.workDir).find((found) => found.pid === pid)?.state === 'T');
    // Each process of the group stops at its own next turn.
    await eventually('the stop of the other', () => states().filter((state) => state === 'T').length === 2);
    // Longer than the stall limit: a frozen job is not hung.
    await new Promise((resolve) => {
      setTimeout(resolve, 2_000);
    });
    expect(await bench.hub.control('resume', order)).toEqual({ ok: true, known: true });
    await eventually('the thaw', () => !states().includes('T'));
    const seen = bench.hub.progress.length;
    await eventually('progress', () => bench.hub.progress.length > seen);
    await bench.hub.control('pause', order);
    await bench.hub.control('cancel', order);
    expect(await bench.hub.outcome(order)).toEqual({ kind: 'cancelled' });
  });
  it('ends a hung ffmpeg by the stall limit, and a long one by the time limit', async () => {
    node = await bench.startAgent({ FFMPEG_PATH: fakeFfmpeg('hung', 'exec sleep 600'), REELAY_KILL_GRACE_MS: '500' });
    const [hung, long] = [await encode('short.mp4', { stallMs: 700 }), await encode('short.mp4', { timeLimitMs: 900 })];
    await Promise.all([bench.hub.run(hung), bench.hub.run(long)]);
    expect(await bench.hub.outcome(hung)).toMatchObject({ kind: 'failed', error: { code: 'stalled', retryable: true } });
    expect(await bench.hub.outcome(long)).toMatchObject({ kind: 'failed', error: { code: 'time_limit', retryable: true } });
  });
  it('says so when the job’s process dies', async () => {
    node = await bench.startAgent();
    const order = await encode();
    await bench.hub.run(order);
    const { pid } = await encoding();
    const parent = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
    process.kill(parent, 'SIGKILL');
    expect(await bench.hub.outcome(order)).toMatchObject({ kind: 'failed', error: { code: 'killed', retryable: true } });
    await eventually('ffmpeg to be gone', () => encodersOf(bench.workDir).length === 0);
  });
  it('falls back to software when the chosen encoder cannot be opened', async () => {
    const refuses = fakeFfmpeg('no-nvenc', `case "$*" in *libx264*) exec ffmpeg "$@";; esac\necho "[h264_nvenc @ 0x1] OpenEncodeSessionEx failed: out of memory (10)" >&2; exit 1`);
    const works = fakeFfmpeg('nvenc-trial', `exec ${refuses} "$@"`);
    writeFileSync(works, readFileSync(works, 'utf8').replace('*-version*|*lavfi*)', '*lavfi*nvenc*) exit 0;; *-version*|*lavfi*)'));
    const smi = join(fakes, 'one-gpu');
    writeFileSync(smi, '#!/bin/sh\necho "GPU-aa, 0, Some GPU, 16376, 15800, 3, 41"\n');
    chmodSync(smi, 0o755);
    node = await bench.startAgent({ FFMPEG_PATH: works, NVIDIA_SMI_PATH: smi });
    expect(bench.hub.hellos.at(-1)?.encoder).toBe('h264_nvenc');
    const order = await encode('short.mp4', { deviceId: 'GPU-aa' }, 'ultrafast');
    keep(order);
    expect(await bench.hub.runToEnd(order)).toMatchObject({ kind: 'completed', result: { encoder: 'libx264' } });
    expect(bench.hub.log(order)).toContain('h264_nvenc could not be used');
  });
  it('fails for another try when the source changes meanwhile', async () => {
    makeClip(join(bench.library, 'changing.mp4'), { seconds: 5 });
    node = await bench.startAgent();
    const order = await encode('changing.mp4', {}, 'slow');
    await bench.hub.run(order);
    await encoding();
    utimesSync(join(bench.library, 'changing.mp4'), new Date(), new Date(0));
    expect(await bench.hub.outcome(order)).toMatchObject({ kind: 'failed', error: { code: 'source_changed', retryable: true } });
    // The hub writes it there, once.
    expect(bench.hub.log(order)).not.toContain('--- ERROR ---');
  });
  it('goes on when the source is moved meanwhile: it is the same file', async () => {
    makeClip(join(bench.library, 'moving.mp4'), { seconds: 5 });
    node = await bench.startAgent();
    const order = await encode('moving.mp4', {}, 'slow');
    keep(order);
    await bench.hub.run(order);
    await moving(order);
    renameSync(join(bench.library, 'moving.mp4'), join(bench.library, 'moved.mp4'));
    expect(await bench.hub.outcome(order)).toMatchObject({ kind: 'completed' });
  });
  it('is given back when what it says of a file may be of another: the file went meanwhile', async () => {
    makeClip(join(bench.library, 'going.mp4'), { seconds: 1 });
    node = await bench.startAgent();
    bench.hub.effectReply = () => {
      rmSync(join(bench.library, 'going.mp4'), { force: true });
      return {};
    };
    const order = await bench.hub.order('validate', { videoId: '0190f000-0000-7000-8000-000000000002', deep: false }, { input: 'going.mp4' });
    expect(await bench.hub.runToEnd(order)).toMatchObject({ kind: 'released' });
    bench.hub.effectReply = () => ({});
  });
});

describe('a hub that is away', () => {
  it('does not stop an encode; done and log are told when it is back', async () => {
    node = await bench.startAgent();
    const order = await encode('short.mp4', {}, 'slow');
    await bench.hub.run(order);
    bench.hub.goAway();
    await eventually('the end of the encode', () => node?.agent.attempts.find(order)?.state === 'reporting');
    expect(bench.hub.outcomes.has(`${order.jobId}/1`)).toBe(false);
    bench.hub.comeBack();
    keep(order);
    expect(await bench.hub.outcome(order)).toMatchObject({ kind: 'completed' });
    expect(bench.hub.log(order)).toContain('Re-encode completed successfully');
  });
  it('survives a restart of the NATS server in the middle', async () => {
    node = await bench.startAgent();
    const order = await encode('medium.mp4', {}, 'slower');
    await bench.hub.run(order);
    await moving(order);
    await bench.nats.down();
    bench.nats.up();
    keep(order);
    expect(await bench.hub.outcome(order)).toMatchObject({ kind: 'completed' });
  });
  it('stops a job with effects after two thirds of its lease', async () => {
    bench.hub.leaseMs = 900;
    node = await bench.startAgent({ FFPROBE_PATH: fakeFfmpeg('hung-probe', 'exec sleep 600') });
    const order = await bench.hub.order('validate', { videoId: newId(), deep: false }, { input: 'short.mp4' });
    await bench.hub.run(order);
    bench.hub.goAway();
    await eventually('the fence', () => node?.agent.attempts.find(order)?.state === 'reporting');
    bench.hub.comeBack();
    expect(await bench.hub.outcome(order)).toMatchObject({ kind: 'released', reason: expect.stringMatching(/heard nothing/) });
  });
  it('removes its parts when the hub calls the result stale', async () => {
    node = await bench.startAgent();
    const order = await encode('short.mp4', {}, 'fast');
    await bench.hub.run(order);
    await eventually('started', () => bench.hub.started.some(({ jobId }) => jobId === order.jobId));
    bench.hub.stale.add(order.jobId);
    await eventually('the end', () => node?.agent.attempts.size === 0);
    expect(bench.hub.doneMessages.at(-1)).toMatchObject({ jobId: order.jobId, outcome: { kind: 'completed' } });
    expect(existsSync(join(bench.library, order.outputs[0]?.partPath ?? ''))).toBe(false);
  });
});

describe('without the library', () => {
  it('fetches the input, resuming where it broke off, and sends the result', async () => {
    node = await bench.startAgent({ MEDIA_LIBRARY_PATH: undefined });
    bench.hub.breakAfterBytes = 10_000;
    const order = await encode('short.mp4', {}, 'ultrafast');
    const outcome = await bench.hub.runToEnd(order);
    expect(outcome).toMatchObject({ kind: 'completed' });
    expect(bench.hub.uploads.get(order.jobId)?.sizeBytes).toBe(outcome.kind === 'completed' ? outcome.files[0]?.sizeBytes : 0);
  });
  it('is given back when the input was moved since the order was made', async () => {
    node = await bench.startAgent({ MEDIA_LIBRARY_PATH: undefined });
    const order = await encode('short.mp4', {}, 'ultrafast');
    for (const input of order.inputs) input.url = input.url.replace('short.mp4', 'none.mp4');
    expect(await bench.hub.runToEnd(order)).toMatchObject({ kind: 'released', reason: expect.stringContaining('was moved or removed') });
    const other = await encode('short.mp4', {}, 'ultrafast');
    for (const input of other.inputs) input.url = input.url.replace('short.mp4', 'long.mp4');
    // Asking again would not help.
    expect(await bench.hub.runToEnd(other)).toMatchObject({ kind: 'failed', error: { code: 'source_changed' } });
  });
});

const startProcess = async (more = {}) => {
  const child = spawn(process.execPath, [bench.bundles.agent], { env: bench.env(more), stdio: ['ignore', 'ignore', 'pipe'] });
  const hellos = bench.hub.hellos.length;
  await eventually('the hello', () => bench.hub.hellos.length > hellos);
  return child;
};

describe('the process', () => {
  it('takes job process and ffmpeg with it when it is killed', async () => {
    const child = await startProcess();
    const order = await encode();
    await bench.hub.run(order);
    await encoding();
    child.kill('SIGKILL');
    await once(child, 'exit');
    await eventually('all to be gone', () => processesOf(bench.workDir).length === 0);
    // The next start sweeps what the killed one left.
    const next = await startProcess();
    expect(readdirSync(join(bench.workDir, 'scratch'))).toHaveLength(1);
    next.kill('SIGTERM');
    const [code] = await once(next, 'exit');
    expect(code).toBe(0);
    for (const name of readdirSync(join(bench.library, 'playback')).filter((name) => name.endsWith('.part'))) kept.add(name);
  });
  it('gives its jobs back when it is asked to stop', async () => {
    const child = await startProcess();
    const order = await encode();
    await bench.hub.run(order);
    await encoding();
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    expect(code).toBe(0);
    expect(await bench.hub.outcome(order)).toMatchObject({ kind: 'released', reason: 'the node stops' });
    expect(processesOf(bench.workDir)).toEqual([]);
  });
  it('refuses to run twice on one folder', async () => {
    const child = await startProcess();
    const second = spawn(process.execPath, [bench.bundles.agent], { env: bench.env(), stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    second.stderr.on('data', (chunk) => {
      said += String(chunk);
    });
    const [code] = await once(second, 'exit');
    expect([code, said]).toEqual([75, expect.stringMatching(/^node-agent: cannot start: node-agent already runs on \S+ \(process \d+\)/)]);
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
});
