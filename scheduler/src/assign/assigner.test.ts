/** One order that no node takes must not hold up the others of its batch. */
import { hubJobType } from '@reelay/job-types/hub';
import { registerNode } from '@reelay/store';
import { testJob } from '@reelay/store/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
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
afterEach(async () => {
  vi.restoreAllMocks();
  await world.close();
});
afterAll(() => servers.stop());

const booked = async (): Promise<number> => (await world.sql<{ n: number }[]>`select sum(slots_cpu)::int as n from nodes`)[0]?.n ?? -1;

/** Three scans, the second of which `spoil` changes while it is prepared. */
const threeScans = async (spoil: (prepared: Record<string, unknown>) => void): Promise<string[]> => {
  const jobs = [await testJob(world.sql, 'scan'), await testJob(world.sql, 'scan'), await testJob(world.sql, 'scan')];
  const type = hubJobType('scan');
  const prepare = type.prepare.bind(type);
  vi.spyOn(type, 'prepare').mockImplementation(async (sql, job, env) => {
    const prepared = await prepare(sql, job, env);
    if (job.id === jobs[1]?.id) spoil(prepared.order);
    return prepared;
  });
  // Known before the first pass, so that all three are placed by it.
  await registerNode(world.sql, 'node-a', agent.hello);
  await world.scheduler();
  return jobs.map(({ id }) => id);
};

it('an order that is too large fails its job alone', async () => {
  const [first = '', large = '', third = ''] = await threeScans((order) => {
    order.padding = 'x'.repeat(1_100_000);
  });
  await agent.run(first);
  await agent.run(third);
  expect(await world.until(large, 'failed')).toMatchObject({ errorCode: 'message_too_large', retryCount: 0 });
  expect(await booked()).toBe(2);
});

it('a failure that says nothing about the job leaves it to the sweep, and the others go', async () => {
  let away = true;
  const [first = '', second = '', third = ''] = await threeScans(() => {
    if (away) throw new Error('the database went away');
  });
  await agent.run(first);
  await agent.run(third);
  expect((await world.job(second)).status).toBe('queued');
  away = false;
  expect((await agent.run(second)).epoch).toBe(1);
});
