import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, LiveSettings, newId } from '@reelay/runtime';
import { ManualClock } from '@reelay/runtime/testing';
import { testJob } from '@reelay/store/testing';
import { expect, test } from 'vitest';
import { startServers, World } from '../testing/world.ts';
import { Scheduler } from './scheduler.ts';
import { checkSchedulerSettings, schedulerSettings } from './settings.ts';
import { LiveTiming } from './timing.ts';

test('durations follow the settings; a node is not silent for keeping the pace that it was told last', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'reelay-timing-'));
  const file = join(folder, 'reelay.json');
  const write = (settings: object): void => writeFileSync(file, JSON.stringify(settings));
  const clock = new ManualClock();
  write({ REELAY_HEARTBEAT_SECONDS: 20, REELAY_LEASE_SECONDS: 90 });
  const env = { DATABASE_URL: 'postgres://x', NATS_URL: 'nats://x', REELAY_SECRET_FILE: 'x' };
  const live = new LiveSettings(schedulerSettings, { env, file, check: checkSchedulerSettings, logger: createLogger({ service: 'test', level: 'silent' }), clock });
  const timing = new LiveTiming(live.values, clock);
  live.use((_next, before) => ({ commit: () => timing.paceChanged(before) }));
  expect(timing).toMatchObject({ heartbeatMs: 20_000, leaseMs: 90_000, graceMs: 90_000, silentMs: 41_000 });

  write({ REELAY_HEARTBEAT_SECONDS: 2, REELAY_LEASE_SECONDS: 6, REELAY_RETRY_UNIT_SECONDS: 0.5 });
  await live.reload();
  expect(timing).toMatchObject({ heartbeatMs: 2_000, leaseMs: 6_000, retryUnitMs: 500, silentMs: 41_000 });
  clock.advance(40_000);
  await live.reload();
  expect(timing.silentMs).toBe(41_000);
  clock.advance(1_000);
  expect(timing.silentMs).toBe(5_000);

  write({ REELAY_HEARTBEAT_SECONDS: 30, REELAY_LEASE_SECONDS: 60 });
  await expect(live.reload()).rejects.toMatchObject({ problems: [{ name: 'REELAY_LEASE_SECONDS' }] });
  expect(timing.heartbeatMs).toBe(2_000);
  rmSync(folder, { recursive: true });
});

test('a leader that waits by long durations goes over to short ones at once', async () => {
  const servers = await startServers();
  const world = await World.create(servers.nats);
  const deps = await world.deps();
  const timing = { ...deps.timing, leaderTtlMs: 600_000, sweepMs: 600_000, leaseMs: 60_000 };
  const scheduler = new Scheduler({ ...deps, timing }, newId());
  await scheduler.start();
  try {
    const agent = await world.agent('attic');
    await agent.say();
    const job = await testJob(world.sql, 'scan');
    deps.hints.changed();
    await agent.run(job.id);
    await world.silence('attic');
    Object.assign(timing, { leaderTtlMs: 5_000, sweepMs: 50 });
    scheduler.retime();
    await world.until(job.id, 'pending', ({ lostCount }) => lostCount === 1);
    await world.eventually(async () => {
      const [lease] = await world.sql<{ leftMs: number }[]>`select extract(epoch from expires_at - now())::float8 * 1000 as left_ms from leases where name = 'scheduler'`;
      expect(lease?.leftMs).toBeLessThanOrEqual(5_000);
    });
    expect(scheduler.leadership.lease).not.toBeNull();
    scheduler.retime();
  } finally {
    await scheduler.stop();
    await deps.bus.close();
    await world.close();
    await servers.stop();
  }
});
