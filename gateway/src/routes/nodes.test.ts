import { drainSchema, type Node, type Problem, subjects } from '@reelay/contracts';
import { testNode } from '@reelay/store/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../testing/kit.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
  await testNode(gateway.sql, 'attic');
});
afterAll(() => gateway.stop());

test('a drain with a deadline: the node is told it; when it cannot be, the answer says so and the node drains all the same', async () => {
  const heard: unknown[] = [];
  const subscription = gateway.bus.serve(subjects.agent('attic', 'drain'), {}, drainSchema, (message) => {
    heard.push(message);
    return { ok: true, known: true };
  });
  const path = '/api/media/nodes/attic/drain';
  expect(await gateway.json<Node>(200, 'POST', path, { body: { deadlineSeconds: 90 } })).toMatchObject({ adminState: 'draining' });
  expect(await gateway.json<Node>(200, 'POST', path)).toMatchObject({ adminState: 'draining' });
  expect(await gateway.json<Node>(200, 'POST', '/api/media/nodes/attic/resume')).toMatchObject({ adminState: 'active' });
  expect(heard).toEqual([{ v: 1, draining: true, deadlineMs: 90_000 }, { v: 1, draining: true }, { v: 1, draining: false }]);
  subscription.unsubscribe();

  const problem = await gateway.json<Problem>(503, 'POST', path, { body: { deadlineSeconds: 90 } });
  expect(problem).toMatchObject({ code: 'node_unreachable', detail: expect.stringContaining('drains, but') });
  expect(await gateway.json<Node>(200, 'GET', '/api/media/nodes/attic')).toMatchObject({ adminState: 'draining' });
  expect((await gateway.json<Problem>(422, 'POST', path, { body: { deadlineSeconds: -1 } })).code).toBe('invalid_parameter');
});
