import { placeSessionReplySchema, type PlaceSessionReply, PROTOCOL_VERSION, subjects } from '@reelay/contracts';
import { connectBus, type Bus } from '@reelay/runtime/bus';
import { endSession } from '@reelay/store';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startServers, World } from '../../testing/world.ts';

let servers: Awaited<ReturnType<typeof startServers>>;
let world: World;
let gateway: Bus;
beforeAll(async () => {
  servers = await startServers();
});
beforeEach(async () => {
  world = await World.create(servers.nats);
  gateway = await connectBus({ url: world.nats.url, credsPath: world.nats.keys.paths.hubCreds, name: 'gateway', logger: world.logger });
});
afterEach(async () => {
  await gateway.close();
  await world.close();
});
afterAll(() => servers.stop());

const startWithNodes = async (schedulers: number): Promise<void> => {
  for (let n = 0; n < schedulers; n += 1) await world.scheduler();
  for (const name of ['attic', 'cellar']) await (await world.agent(name, { hello: { sessionLimit: 2 } })).say();
};

const uuid = (n: number): string => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const ask = (n: number): Promise<PlaceSessionReply> => gateway.request(
  subjects.sessionPlace, { v: PROTOCOL_VERSION, sessionId: uuid(n), videoId: uuid(100 + n), version: 't1', gatewayId: 'g', vramMb: 600, excludeNodes: [] }, { timeoutMs: 10_000, schema: placeSessionReplySchema },
);

test('streams have the places of all nodes, and then none, with the reason and when to ask again', async () => {
  await startWithNodes(1);
  const nodes: string[] = [];
  for (const n of [1, 2, 3, 4]) nodes.push((await ask(n)).place?.nodeId ?? 'none');
  expect(nodes.toSorted()).toEqual(['attic', 'attic', 'cellar', 'cellar']);
  expect(await ask(5)).toMatchObject({ place: null, reason: 'All 4 places for encoding while somebody watches are taken.', retryAfterSeconds: 5 });
});

test('the limit of the fleet holds whichever scheduler is asked, counts at once when it is changed, and a place that is given back is free', async () => {
  world.fleetLimit = 1;
  await startWithNodes(2);
  const answers = await Promise.all([1, 2, 3, 4].map(ask));
  expect(answers.filter(({ place }) => place !== null)).toHaveLength(1);
  const refused = answers.find(({ place }) => place === null);
  expect(refused).toMatchObject({ reason: 'All nodes together encode 1 video at a time for those who watch, and no place is free.', retryAfterSeconds: 5 });
  world.fleetLimit = 2;
  const held = answers.findIndex(({ place }) => place !== null) + 1;
  expect((await ask(5)).place).not.toBeNull();
  expect((await ask(6)).place).toBeNull();
  await endSession(world.sql, uuid(held));
  expect((await ask(6)).place).not.toBeNull();
});
