import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger, LiveSettings, newId } from '@reelay/runtime';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { makeClip } from '../testing/clips.ts';
import { eventually } from '../testing/eventually.ts';
import { encodersOf, processesOf } from '../testing/processes.ts';
import { type RunningAgent, TestBench } from '../testing/test-node.ts';
import { agentSettings } from './settings.ts';

let bench: TestBench;
let node: RunningAgent | undefined;
beforeAll(async () => {
  bench = await TestBench.open();
  makeClip(join(bench.library, 'film.mp4'), { seconds: 60, size: '640x360' });
  mkdirSync(join(bench.library, 'playback'));
});
afterEach(async () => {
  await node?.stop();
  node = undefined;
  expect(processesOf(bench.workDir)).toEqual([]);
  Object.assign(bench.hub, { heartbeatMs: 100, leaseMs: 30_000 });
});
afterAll(() => bench.close());

const encode = () =>
  bench.hub.order('reencode_streaming', { videoId: null, targetBitrate: 2000, preset: 'veryslow', crf: 18, skipIfReady: false, durationSeconds: 60 }, { input: 'film.mp4', output: `playback/${newId()}.mp4` });
/** A probe that hangs: the job stays and does nothing. */
const hungProbe = (): string => {
  const path = join(bench.folder, 'hung-probe');
  writeFileSync(path, `#!/bin/sh\ncase "$*" in *-version*) exec '${process.env.FFPROBE_PATH ?? 'ffprobe'}' "$@";; esac\nexec sleep 600\n`);
  chmodSync(path, 0o755);
  return path;
};
const validate = () => bench.hub.order('validate', { videoId: newId(), deep: false }, { input: 'film.mp4' });
const beats = (count: number) => {
  const from = bench.hub.heartbeats.length;
  return eventually(`${count} heartbeats`, () => bench.hub.heartbeats.length >= from + count);
};

it('tells the hub of new limits, labels and its name; what runs goes on when a limit shrinks below it', async () => {
  const file = join(bench.folder, 'reelay.json');
  const logger = createLogger({ service: 'test', level: 'silent' });
  writeFileSync(file, '{}');
  const live = new LiveSettings(agentSettings, { env: bench.env(), file, logger });
  node = await bench.startAgent({}, logger, { settings: live.values });
  live.use(() => ({ commit: () => node?.agent.reconfigured() }));
  const order = await encode();
  await bench.hub.run(order);
  await eventually('ffmpeg', () => encodersOf(bench.workDir)[0]);
  const hellos = bench.hub.hellos.length;
  writeFileSync(file, JSON.stringify({ REELAY_LIMIT_GPU_ENCODE: 0, REELAY_LABELS: 'zone=attic', REELAY_NODE_NAME: 'Attic' }));
  await live.reload();
  await eventually('hello', () => bench.hub.hellos.length > hellos);
  expect(bench.hub.hellos.at(-1)).toMatchObject({ name: 'Attic', labels: { zone: 'attic' }, limits: { cpu: 5, gpu_encode: 0, gpu_ai: 1 } });
  await expect(bench.hub.run(await encode())).rejects.toThrow('1 of 0 gpu_encode jobs are running');
  await beats(2);
  expect(node.agent.attempts.find(order)?.state).toBe('running');
  node.agent.attempts.find(order)?.end({ kind: 'cancelled' });
  await eventually('the end', () => node?.agent.attempts.size === 0);
});

it('beats as often as the shortest lease that it holds asks for', async () => {
  bench.hub.heartbeatMs = 60_000;
  node = await bench.startAgent({ FFPROBE_PATH: hungProbe() });
  await beats(0);
  bench.hub.leaseMs = 900;
  const order = await validate();
  await bench.hub.run(order);
  await beats(4);
  node.agent.attempts.find(order)?.end({ kind: 'cancelled' });
});

it('gives a job with effects back in time when the lease has shrunk since it was taken', async () => {
  node = await bench.startAgent({ FFPROBE_PATH: hungProbe() });
  const order = await validate();
  await bench.hub.run(order);
  bench.hub.leaseMs = 900;
  await beats(2);
  bench.hub.goAway();
  await eventually('the fence', () => node?.agent.attempts.find(order)?.state === 'reporting');
  bench.hub.comeBack();
  expect(await bench.hub.outcome(order)).toMatchObject({ kind: 'released' });
});
