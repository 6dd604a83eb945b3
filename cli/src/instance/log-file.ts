/** The log of a running system, where it is written to a file. */
import { open, readFile, readlink, stat } from 'node:fs/promises';
import { type Clock, delay } from '@reelay/runtime';

const POLL_MS = 100;
const MOST_BYTES = 1024 * 1024;

/** What a process was started with names its log; else its standard output may be a file. Null for a terminal or a pipe. */
export const findLogFile = async (pid: number): Promise<string | null> => {
  const args = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
  const at = args.indexOf('--log-file');
  const named = at < 0 ? args.find((arg) => arg.startsWith('--log-file='))?.slice('--log-file='.length) : args[at + 1];
  if (named) return named;
  const target = await readlink(`/proc/${pid}/fd/1`).catch(() => '');
  const info = target.startsWith('/') ? await stat(target).catch(() => null) : null;
  return info?.isFile() === true ? target : null;
};

export const sizeOf = (path: string): Promise<number> => stat(path).then((info) => info.size, () => 0);

const readFrom = async (path: string, from: number): Promise<string> => {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    // It was put aside meanwhile: the new one begins anew.
    const start = size < from ? 0 : from;
    const buffer = Buffer.alloc(Math.min(size - start, MOST_BYTES));
    await file.read(buffer, 0, buffer.length, start);
    return buffer.toString('utf8');
  } finally {
    await file.close();
  }
};

/** The lines written after `from` up to the first that matches; all of them, without a match, when `limitMs` is over. */
export const untilLine = async (path: string, { from, matches, limitMs, clock }: { from: number; matches: RegExp; limitMs: number; clock: Clock }): Promise<{ lines: string[]; matched: string | null }> => {
  const startedMs = clock.monotonicMs();
  for (;;) {
    const lines = (await readFrom(path, from).catch(() => '')).split('\n').slice(0, -1);
    const at = lines.findIndex((line) => matches.test(line));
    if (at >= 0) return { lines: lines.slice(0, at + 1), matched: lines[at] ?? null };
    if (clock.monotonicMs() - startedMs > limitMs) return { lines, matched: null };
    await delay(clock, POLL_MS);
  }
};
