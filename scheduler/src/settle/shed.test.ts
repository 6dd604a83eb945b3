/** A node that runs out of memory: it is passed by, and what it gives back is neither lost nor offered again at once. */
import { readJobView } from '@reelay/store';
import { testJob } from '@reelay/store/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { FakeAgent } from '../../testing/fake-agent.ts';
import { startServers, World } from '../../testing/world.ts';

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

it('a job that is shed comes back later, at no cost, and fails when no node has the memory for it', async () => {
  const job = await testJob(world.sql, 'scan', {});
  await world.scheduler();
  await agent.say();
  for (let times = 1; times <= 4; times += 1) {
    const order = await agent.run(job.id, times);
    expect(await agent.done(order, { kind: 'released', reason: '500 of 16000 MB are left', cause: 'memory' })).toBe('settled');
    // A repeat of the message changes nothing.
    expect(await agent.done(order, { kind: 'released', reason: '500 of 16000 MB are left', cause: 'memory' })).toBe('settled');
    const after = await readJobView(world.sql, job.id);
    expect(after).toMatchObject({ lostCount: times, retryCount: 0 });
    if (times < 4) {
      expect(after?.retryAfter?.getTime()).toBeGreaterThan(0);
      await world.sql`update jobs set retry_after = now() where id = ${job.id} and status = 'pending'`;
    }
  }
  expect(await world.until(job.id, 'failed')).toMatchObject({ errorCode: 'memory_pressure' });
  expect(await world.sql`select 1 from attempts where released_at is null`).toEqual([]);
});

it('a node whose memory is short gets nothing, and the jobs say why', async () => {
  agent.hello.load.memoryPressure = { level: 'soft', detail: '1500 of 16000 MB are left' };
  const job = await testJob(world.sql, 'scan', {});
  await world.scheduler();
  await agent.say();
  await world.eventually(async () => expect((await readJobView(world.sql, job.id))?.classReason).toBe('Memory is short on node-a: 1500 of 16000 MB are left; no new jobs until it is not'));
  expect(agent.orders).toEqual([]);
  agent.hello.load.memoryPressure = null;
  await agent.heartbeat([]);
  expect((await agent.order(job.id)).jobId).toBe(job.id);
});

it('a node that says so only when it is asked is held off, and the jobs say why', async () => {
  agent.answer = () => ({ accepted: false, code: 'memory_pressure', detail: 'memory is short: 1500 of 16000 MB are left' });
  const job = await testJob(world.sql, 'scan', {});
  await world.scheduler();
  await agent.say();
  await world.eventually(async () => expect((await readJobView(world.sql, job.id))?.classReason).toContain('memory is short: 1500 of 16000 MB are left'));
  expect(agent.orders).toHaveLength(1);
});
