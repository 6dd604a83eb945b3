import { readdir, readFile } from 'node:fs/promises';
import { type Clock, delay, systemClock } from '../clock.ts';
import { errorCode } from '../errors.ts';

/** Environment variable that marks every child with the run it belongs to. */
export const RUN_MARK = 'REELAY_RUN';

/** One run of a process: its folder stays the same, its id changes at each start. */
export interface RunMark {
  dir: string;
  id: string;
}

export function runMarkValue({ dir, id }: RunMark): string {
  return `${dir}|${id}`;
}

const WAIT_MS = 2_000;
const POLL_MS = 20;

async function environOf(pid: string): Promise<string[]> {
  try {
    return (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0');
  } catch {
    return []; // Gone, or another user's.
  }
}

/** Gone or a zombie: it does nothing any more. */
async function isOver(pid: number): Promise<boolean> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) === 'Z';
  } catch {
    return true;
  }
}

async function findOrphans(runDir: string, runId: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const marked = await Promise.all(
    pids.map(async (pid) => {
      const mark = (await environOf(pid)).find((entry) => entry.startsWith(`${RUN_MARK}=${runDir}|`));
      return mark !== undefined && mark !== `${RUN_MARK}=${runMarkValue({ dir: runDir, id: runId })}`;
    }),
  );
  return pids.filter((_, index) => marked[index]).map(Number);
}

/**
 * KILLs what an earlier run with the same folder left behind and waits (2 s at most) until it is gone. Call it while
 * holding the instance lock. Does nothing where there is no /proc. Returns the process ids.
 */
export async function sweepOrphans(runDir: string, runId: string, clock: Clock = systemClock): Promise<number[]> {
  if (process.platform !== 'linux') return [];
  const orphans = await findOrphans(runDir, runId);
  for (const pid of orphans) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if (errorCode(error) !== 'ESRCH') throw error;
    }
  }
  const startedMs = clock.monotonicMs();
  for (const pid of orphans) while (!(await isOver(pid)) && clock.monotonicMs() - startedMs < WAIT_MS) await delay(clock, POLL_MS);
  return orphans;
}
