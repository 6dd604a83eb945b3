import { setAdminState } from '@reelay/store';
import { testJob } from '@reelay/store/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { FakeAgent } from '../testing/fake-agent.ts';
import { startServers, World } from '../testing/world.ts';

let servers: Awaited<ReturnType<typeof startServers>>;
let world: World;
let attic: FakeAgent;
beforeAll(async () => {
  servers = await startServers();
});
beforeEach(async () => {
  world = await World.create(servers.nats);
  attic = await world.agent('attic');
});
afterEach(() => world.close());
afterAll(() => servers.stop());

const drain = (deadlineSeconds: number | null) => setAdminState(world.sql, 'attic', 'draining', 'admin', deadlineSeconds);

test('what a draining node has not started goes to another node at once', async () => {
  await world.scheduler();
  await attic.say();
  const [queued, running] = [await testJob(world.sql, 'scan'), await testJob(world.sql, 'scan')];
  const offered = await attic.order(queued.id);
  await attic.run(running.id);
  const cellar = await world.agent('cellar');
  await cellar.say();
  await drain(3600);
  expect(await cellar.run(queued.id)).toMatchObject({ epoch: 2 });
  expect(await world.job(queued.id)).toMatchObject({ nodeId: 'cellar', retryCount: 0, lostCount: 0 });
  // The node had accepted it, and begins only now.
  expect(await attic.started(offered)).toBe(false);
  expect(await world.job(running.id)).toMatchObject({ status: 'running', nodeId: 'attic' });
  const reply = await attic.heartbeat([{ jobId: running.id, epoch: 1 }]);
  expect(reply).toMatchObject({ adminState: 'draining', kill: [], renewed: [{ jobId: running.id }] });
  expect(reply.drainMs).toBeGreaterThan(3_500_000);
});

test('a deadline outlives the scheduler; what runs then is given back and runs elsewhere without a retry', async () => {
  const first = await world.scheduler();
  await attic.say();
  const job = await testJob(world.sql, 'scan');
  const order = await attic.run(job.id);
  const ref = { jobId: job.id, epoch: 1 };
  await drain(3600);
  await first.stop();
  await world.sql`update nodes set drain_deadline = now() - interval '1 second' where id = 'attic'`;
  await world.scheduler();
  expect(await attic.heartbeat([ref])).toMatchObject({ kill: [{ ...ref, reason: 'released', why: 'drain' }], drainMs: 0, adminState: 'draining' });
  expect(await attic.done(order, { kind: 'released', reason: 'the node is drained' })).toBe('settled');
  expect(await world.until(job.id, 'pending')).toMatchObject({ retryCount: 0, lostCount: 0, retryAfter: null, nodeId: null });
  const cellar = await world.agent('cellar');
  await cellar.say();
  expect(await cellar.order(job.id)).toMatchObject({ epoch: 2 });
  expect((await attic.heartbeat([])).kill).toEqual([]);
});

test('a resume before the deadline lets everything run on', async () => {
  await world.scheduler();
  await attic.say();
  const job = await testJob(world.sql, 'scan');
  await attic.run(job.id);
  await drain(0);
  await setAdminState(world.sql, 'attic', 'active', 'admin');
  expect(await attic.heartbeat([{ jobId: job.id, epoch: 1 }])).toMatchObject({ kill: [], drainMs: null, adminState: 'active' });
  expect(await world.job(job.id)).toMatchObject({ status: 'running' });
  const next = await testJob(world.sql, 'scan');
  await attic.order(next.id);
});
