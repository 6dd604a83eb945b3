import { expect, it } from 'vitest';
import { formatLogLine } from './log-lines.ts';

const at = (hour: number, minute: number, second: number): string => new Date(2026, 0, 2, hour, minute, second).toISOString();

it('shows a record as name, time, level, message and fields', () => {
  const line = JSON.stringify({ level: 'info', time: at(12, 1, 2), service: 'gateway', pid: 7, port: 4100, path: 'a b', msg: 'ready' });
  expect(formatLogLine('gateway', line)).toEqual(['gateway    12:01:02 INFO  ready port=4100 path="a b"']);
});
it('shows an expected error in one line and an unexpected one with its stack', () => {
  const known = JSON.stringify({ level: 'warn', time: at(1, 2, 3), msg: 'no', err: { message: 'it is late', code: 'late', stack: 'X: it\n    at a.ts:1' } });
  expect(formatLogLine('scheduler', known)).toEqual(['scheduler  01:02:03 WARN  no error="it is late"']);
  const unknown = JSON.stringify({ level: 'error', time: at(1, 2, 3), msg: 'no', err: { message: 'boom', stack: 'Error: boom\n    at a.ts:1' } });
  expect(formatLogLine('scheduler', unknown)).toEqual(['scheduler  01:02:03 ERROR no error=boom', 'scheduler    at a.ts:1']);
});
it('leaves other lines as they are', () => {
  for (const line of ['FATAL:  out of disk', '{"not":"a record"}', '{broken']) expect(formatLogLine('postgres', line)).toEqual([`postgres   ${line}`]);
});
it('cuts long values', () => {
  const [line = ''] = formatLogLine('x', JSON.stringify({ level: 'info', time: at(0, 0, 0), msg: 'm', data: 'y'.repeat(5_000) }));
  expect(line.length).toBeLessThan(400);
});
it('shows characters that would steer the terminal instead of sending them', () => {
  const path = '/x\u001b[2J\u009b31m\u202e\u0000';
  const [line = ''] = formatLogLine('gateway', JSON.stringify({ level: 'info', time: at(0, 0, 0), msg: 'request', path }));
  expect(line).toContain(String.raw`path=/x\u001b[2J\u009b31m\u202e\u0000`);
  expect(formatLogLine('nats', 'bad \u001b]0;title\u0007\tname')).toEqual([String.raw`nats       bad \u001b]0;title\u0007` + '\tname']);
});
