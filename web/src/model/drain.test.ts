import { expect, test } from 'vitest';
import { drainSeconds, drainSentence } from './drain.ts';

const node = { adminState: 'draining', drainDeadlineAt: '2026-01-01T00:10:00.000Z', running: { cpu: 1, gpu_encode: 1, gpu_ai: 0 } } as const;
const at = (time: string): number => Date.parse(`2026-01-01T00:${time}.000Z`);

test.each([
  ['finish', '', null], ['now', '', 0], ['fiveMinutes', 'x', 300], ['minutes', ' 90 ', 5400], ['minutes', '0', undefined], ['minutes', '1441', undefined],
  ['minutes', '1.5', undefined], ['minutes', '', undefined], ['minutes', '-3', undefined],
] as const)('%s with “%s” minutes is %s seconds', (choice, minutes, seconds) => {
  expect(drainSeconds(choice, minutes)).toBe(seconds);
});

test('a draining node says how long its jobs have', () => {
  expect(drainSentence(node, at('05:30'))).toMatch(/^Running jobs are given back in 4.*30/);
  expect(drainSentence(node, at('10:00'))).toBe('Running jobs are being given back.');
  expect(drainSentence({ ...node, drainDeadlineAt: null }, 0)).toBe('Running jobs finish.');
  expect(drainSentence({ ...node, running: { cpu: 0, gpu_encode: 0, gpu_ai: 0 } }, 0)).toBe('Drained: nothing runs here.');
  expect(drainSentence({ ...node, adminState: 'active', drainDeadlineAt: null }, 0)).toBeNull();
});
