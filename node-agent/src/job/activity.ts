import { readFile } from 'node:fs/promises';
import type { Clock } from '@reelay/runtime';

const POLL_MS = 1_000;

/**
 * Calls `onActivity` while a process reads: moving the index of a large MP4 to its front, or probing a long file, gives no
 * progress for minutes. What it writes does not count, since its own progress reports are written too. Returns how to end it.
 */
export function watchReads(clock: Clock, pid: number, onActivity: () => void): () => void {
  let lastChars = -1;
  return clock.every(POLL_MS, () => {
    void readChars(pid).then((chars) => {
      if (chars > lastChars && lastChars >= 0) onActivity();
      lastChars = chars;
      return chars;
    });
  });
}

/** Bytes read so far; -1 when the process is gone or the system does not tell. */
async function readChars(pid: number): Promise<number> {
  const io = await readFile(`/proc/${pid}/io`, 'utf8').catch(() => '');
  return Number(/^rchar: (\d+)$/m.exec(io)?.[1] ?? -1);
}
