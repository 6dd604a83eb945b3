import { expect, test } from 'vitest';
import { LineSplitter } from './line-splitter.ts';
import { TailBuffer } from './tail-buffer.ts';

function split(chunks: readonly Buffer[], maxChars?: number): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line), maxChars);
  for (const chunk of chunks) splitter.push(chunk);
  splitter.end();
  return lines;
}

test('lines end at LF, CR or CRLF, wherever the chunks are cut', () => {
  const text = Buffer.from('frame=1\rframe=2\r\nü\n\nlast');
  const bytes = Array.from(text, (byte) => Buffer.from([byte]));
  expect(split(bytes)).toEqual(['frame=1', 'frame=2', 'ü', 'last']);
});

test('an endless line comes in pieces', () => {
  expect(split([Buffer.from('a'.repeat(25))], 10)).toEqual(['a'.repeat(10), 'a'.repeat(10), 'a'.repeat(5)]);
});

test('the tail buffer keeps the end and little more in memory', () => {
  const tail = new TailBuffer(10);
  for (let i = 0; i < 1_000; i += 1) tail.push(Buffer.from(`${i},`));
  expect(tail.toString()).toBe('7,998,999,');
});
