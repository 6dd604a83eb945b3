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

test('a drain with a deadline: the node is told it, and it is kept, whether the node hears it or not', async () => {
  const heard: unknown[] = [];
  const subscription = gateway.bus.serve(subjects.agent('attic', 'drain'), {}, drainSchema, (message) => {
    heard.push(message);
    return { ok: true, known: true };
  });
  const act = (action: string, body?: object): Promise<Node> => gateway.json<Node>(200, 'POST', `/api/media/nodes/attic/${action}`, body ? { body } : {});
  const before = Date.now();
  const drained = await act('drain', { deadlineSeconds: 90 });
  expect(drained.adminState).toBe('draining');
  expect(Date.parse(drained.drainDeadlineAt ?? '')).toBeGreaterThanOrEqual(before + 90_000 - 1_000);
  expect(await act('drain')).toMatchObject({ adminState: 'draining', drainDeadlineAt: null });
  await act('drain', { deadlineSeconds: 90 });
  expect(await act('resume')).toMatchObject({ adminState: 'active', drainDeadlineAt: null });
  expect(heard).toEqual([{ v: 1, draining: true, deadlineMs: 90_000 }, { v: 1, draining: true }, { v: 1, draining: true, deadlineMs: 90_000 }, { v: 1, draining: false }]);
  subscription.unsubscribe();

  expect(await act('drain', { deadlineSeconds: 0 })).toMatchObject({ adminState: 'draining', drainDeadlineAt: expect.any(String) as string });
  expect(await act('cordon')).toMatchObject({ adminState: 'cordoned', drainDeadlineAt: null });
  for (const deadlineSeconds of [-1, 1.5, 86_401, '9']) {
    expect((await gateway.json<Problem>(422, 'POST', '/api/media/nodes/attic/drain', { body: { deadlineSeconds } })).code).toBe('invalid_parameter');
  }
});
