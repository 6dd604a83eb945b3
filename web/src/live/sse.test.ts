import { expect, test } from 'vitest';
import { SseParser, movingMs, readSse, resumeIdAfter, type SseMessage } from './sse.ts';

test('puts messages together wherever the bytes are cut', () => {
  const text = ': hi\n\nevent: job\nid: 7\ndata: {"a":1}\n\ndata: one\r\ndata: two\r\n\r\nevent: nothing\n\nid: 9\n\n';
  for (let cut = 1; cut < text.length; cut += 1) {
    const parser = new SseParser();
    const found = [...parser.push(text.slice(0, cut)), ...parser.push(text.slice(cut))];
    expect(found).toEqual([{ event: 'job', data: '{"a":1}', id: '7' }, { event: 'message', data: 'one\ntwo', id: null }, { event: 'cursor', data: '', id: '9' }]);
  }
});

test('reads a response to its end', async () => {
  const found: SseMessage[] = [];
  await readSse(new Response('event: a\ndata: é\n\ndata: cut off'), (message) => found.push(message), 10_000);
  expect(found).toEqual([{ event: 'a', data: 'é', id: null }]);
});

test('resumes after the last event heard', () => {
  const hello = { event: 'hello', data: '{"id":"h1"}', id: null };
  expect(resumeIdAfter(null, hello)).toBe('h1');
  expect(resumeIdAfter('e5', hello)).toBe('e5');
  expect(resumeIdAfter('e5', { event: 'job', data: '{}', id: 'e6' })).toBe('e6');
  expect(resumeIdAfter('e6', { event: 'progress', data: '{}', id: null })).toBe('e6');
  expect(resumeIdAfter('e6', { event: 'cursor', data: '', id: 'e7' })).toBe('e7');
  expect(resumeIdAfter('e6', { event: 'reset', data: '{}', id: null })).toBe(null);
  expect(resumeIdAfter(null, { event: 'hello', data: 'x', id: null })).toBe(null);
});

test('a gateway that stops says when to come back', () => {
  expect(movingMs({ event: 'moving', data: '{"retryMs":1234}', id: null })).toBe(1234);
  expect(movingMs({ event: 'moving', data: 'x', id: null })).toBe(1000);
  expect(movingMs({ event: 'job', data: '{"retryMs":1234}', id: null })).toBe(null);
});
