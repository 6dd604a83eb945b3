import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LogWriter } from './log-writer.ts';
import { ManualClock } from './testing.ts';

let folder: string;
let path: string;
let fd: number;
let clock: ManualClock;
beforeEach(() => {
  clock = new ManualClock();
  folder = mkdtempSync(join(tmpdir(), 'reelay-log-'));
  path = join(folder, 'log');
  fd = openSync(path, 'a');
});
afterEach(() => {
  closeSync(fd);
  rmSync(folder, { recursive: true });
});

/** A writer, and the sizes of what it has written. */
const made = (): { writer: LogWriter; sizes: number[] } => {
  const sizes: number[] = [];
  return { writer: new LogWriter({ clock, target: { fd: () => fd, beforeWrite: (bytes) => sizes.push(bytes) } }), sizes };
};
const flushed = (writer: LogWriter): Promise<void> => new Promise((resolve) => writer.flush(resolve));

test('the first line goes out at once, those that come soon after it go together', async () => {
  const { writer, sizes } = made();
  writer.write('first\n');
  await expect.poll(() => readFileSync(path, 'utf8')).toBe('first\n');
  // Its end is told in a round of the event loop; then the wait begins.
  await expect.poll(() => clock.pending).toBe(1);
  for (const line of ['a\n', 'b\n', 'c\n']) writer.write(line);
  expect(sizes).toEqual([6]);
  clock.advance(20);
  await expect.poll(() => readFileSync(path, 'utf8')).toBe('first\na\nb\nc\n');
  expect(sizes).toEqual([6, 6]);
});

test('flush waits for no more lines, also while one is written', async () => {
  const { writer, sizes } = made();
  writer.write('first\n');
  writer.write('second\n');
  await flushed(writer);
  expect(readFileSync(path, 'utf8')).toBe('first\nsecond\n');
  writer.write('third\n');
  await flushed(writer);
  await flushed(writer);
  expect([readFileSync(path, 'utf8'), sizes]).toEqual(['first\nsecond\nthird\n', [6, 7, 6]]);
});

test('what is too much is dropped and counted, and said when writing works again', async () => {
  const recovered: number[] = [];
  const writer = new LogWriter({ clock, maxUnwrittenBytes: 10, target: { fd: () => fd } });
  writer.onRecovered = (lost) => recovered.push(lost);
  for (const line of ['12345\n', '123\n', 'too much\n']) writer.write(line);
  expect(writer.lost).toBe(1);
  await flushed(writer);
  expect([readFileSync(path, 'utf8'), recovered, writer.lost]).toEqual(['12345\n123\n', [1], 0]);
});
