import { acquireLease } from '@reelay/store';
import { testJob } from '@reelay/store/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FakeAgent } from '../testing/fake-agent.ts';
import { startServers, World } from '../testing/world.ts';

let servers: Awaited<ReturnType<typeof startServers>>;
let world: World;
let agent: FakeAgent;

beforeAll(async () => {
  servers = await startServers();
});
beforeEach(async () => {
  world = await World.create(servers.nats);
  agent = await world.agent('node-a');
});
afterEach(() => world.close());
afterAll(() => servers.stop());

describe('two schedulers', () => {
  it('have one leader; the other takes over when it stops, and both answer nodes', async () => {
    const [first, second] = [await world.scheduler({ leaderTtlMs: 600 }), await world.scheduler({ leaderTtlMs: 600 })];
    expect([first.leadership.lease === null, second.leadership.lease === null]).toEqual([false, true]);
    await agent.say();
    await first.stop();
    await world.eventually(() => expect(second.leadership.lease).toMatchObject({ term: 2 }));
    const job = await testJob(world.sql, 'scan');
    await agent.run(job.id);
  });

  it('a leader whose term is over decides nothing more', async () => {
    const first = await world.scheduler({ leaderTtlMs: 60_000 });
    await agent.say();
    await world.sql`update leases set expires_at = now()`;
    const successor = await acquireLease(world.sql, 'scheduler', 'successor', 60_000);
    expect(successor).toMatchObject({ term: 2 });
    const job = await testJob(world.sql, 'scan');
    await world.eventually(() => expect(first.leadership.lease).toBeNull());
    expect((await world.job(job.id)).status).toBe('pending');
    expect(agent.orders).toEqual([]);
  });
});

describe('outages', () => {
  it('of NATS are survived: work goes on where it was', async () => {
    const job = await testJob(world.sql, 'scan');
    await world.scheduler();
    await agent.say();
    const order = await agent.run(job.id);
    await servers.nats.restart();
    const result = { found: 0, known: 0, created: 0, updated: 0, invalid: 0 };
    await world.eventually(async () => expect(await agent.done(order, { kind: 'completed', files: [], result })).toBe('settled'));
    expect(await world.job(job.id)).toMatchObject({ status: 'completed', epoch: 1, lostCount: 0 });
    const next = await testJob(world.sql, 'scan');
    await agent.run(next.id);
  });

  it('of the database are survived: broken connections are made again', async () => {
    await world.scheduler();
    await agent.say();
    await world.sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`;
    const job = await world.eventually(() => testJob(world.sql, 'scan'));
    await agent.order(job.id);
  });
});
