import type { Heartbeat, HeartbeatReply, Hello } from '@reelay/contracts';
import { createLogger } from '@reelay/runtime';
import { ManualClock } from '@reelay/runtime/testing';
import { expect, it, vi } from 'vitest';
import { HubLink } from './hub-link.ts';

const LOAD: Heartbeat['load'] = { load1: 0, cpus: 2, memoryFreeMb: 1, memoryTotalMb: 2, diskFreeBytes: null };
const FACTS: Omit<Hello, 'v' | 'incarnation'> = {
  name: 'node', version: '1', devices: [], limits: { cpu: 1, gpu_encode: 0, gpu_ai: 0 }, encoder: null, encoderTrials: [], ffmpegVersion: null, labels: {}, libraryId: null, load: LOAD,
};
const PULSE: Omit<Heartbeat, 'v' | 'incarnation'> = { running: [], devices: [], load: LOAD, draining: false };
const REPLY: HeartbeatReply = { ok: true, known: true, superseded: false, renewed: [], kill: [], leaseMs: 15_000, adminState: 'active' };

/** A node and a hub that welcomes it at once and answers a heartbeat when the test says so. */
function scene() {
  const clock = new ManualClock();
  const waiting: ((reply: HeartbeatReply) => void)[] = [];
  const link = new HubLink({
    clock, logger: createLogger({ service: 'test', level: 'silent' }),
    hub: {
      hello: () => Promise.resolve({ ok: true, heartbeatMs: 3_000, leaseMs: 15_000, adminState: 'active', libraryId: 'a' }),
      heartbeat: () => new Promise((resolve) => waiting.push(resolve)),
      untilAnswered: (_ctx, ask) => ask(),
    },
    describe: () => Promise.resolve(FACTS), pulse: () => Promise.resolve(PULSE), mustIntroduceAgain: () => Promise.resolve(false),
    onWelcome: () => {}, onHeartbeat: () => {}, onSuperseded: () => {}, longestPauseMs: () => 60_000, onReconnected: () => () => {},
  });
  const answer = (): void => {
    waiting.shift()?.(REPLY);
  };
  return { clock, waiting, answer, link };
}

it('beats at the pace that the hub asked for', async () => {
  const { clock, waiting, answer, link } = scene();
  link.start();
  for (let beat = 0; beat < 3; beat += 1) {
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    answer();
    await vi.waitFor(() => expect(clock.pending).toBe(1));
    clock.advance(2_999);
    expect(waiting).toHaveLength(0);
    clock.advance(1);
  }
  await vi.waitFor(() => expect(waiting).toHaveLength(1));
});

it('stops with the answer to a heartbeat under way, without a pause after it', async () => {
  const { clock, waiting, answer, link } = scene();
  link.start();
  await vi.waitFor(() => expect(waiting).toHaveLength(1));
  const stopped = link.stop();
  answer();
  await stopped;
  expect(clock.pending).toBe(0);
  expect(waiting).toHaveLength(0);
});

it('stops in the middle of a pause', async () => {
  const { clock, waiting, answer, link } = scene();
  link.start();
  await vi.waitFor(() => expect(waiting).toHaveLength(1));
  answer();
  await vi.waitFor(() => expect(clock.pending).toBe(1));
  await link.stop();
  expect(clock.pending).toBe(0);
});
