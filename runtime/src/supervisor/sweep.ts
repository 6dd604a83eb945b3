import { type Clock, delay, systemClock } from '../clock.ts';
import { errorCode } from '../errors.ts';
import { readEnviron } from './proc-mark.ts';
import { hostProcesses, type ProcStat, readProcStat } from './proc-stat.ts';

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

/** What a start found of earlier runs with the same folder. */
export interface Sweep {
  /** Ended and gone. */
  ended: { pid: number; name: string; runId: string }[];
  /** Runs of which processes were found and nothing is left: their files can go. */
  deadRuns: string[];
  /** Runs of which something survives SIGKILL: it may still write, so their files have to wait. */
  stuckRuns: string[];
}

export interface SweepOptions {
  clock?: Clock | undefined;
  /** Only what started before this, in ticks since boot, and what that started. Default: when this process did. Null: everything marked. */
  bornBeforeTicks?: number | null | undefined;
}

interface Leftover extends ProcStat {
  runId: string;
}

const WAIT_MS = 2_000;
const POLL_MS = 20;
const BATCH = 64;
/** Each catches what forked during the one before. */
const ROUNDS = 10;

/** Null when it is not ours; `unclear` when it has no environment, as in the middle of an exec. */
async function runIdOf(pid: number, dir: string): Promise<{ runId: string | null; unclear: boolean }> {
  const prefix = `${RUN_MARK}=${dir}|`;
  const environ = await readEnviron(pid);
  return { runId: environ.split('\0').find((entry) => entry.startsWith(prefix))?.slice(prefix.length) ?? null, unclear: environ === '' };
}

/** This process, those above it and those below it are never a left-over, whatever they are marked with. */
function ownFamily(all: readonly ProcStat[]): Set<number> {
  const parents = new Map(all.map(({ pid, ppid }) => [pid, ppid]));
  const line = (pid: number): number[] => {
    const above = [pid];
    for (let at = parents.get(pid); at !== undefined && at > 0 && !above.includes(at); at = parents.get(at)) above.push(at);
    return above;
  };
  return new Set([...line(process.pid), ...all.filter(({ pid }) => line(pid).includes(process.pid)).map(({ pid }) => pid)]);
}

async function findLeftovers({ dir, id }: RunMark, bornBeforeTicks: number | null, known: readonly Leftover[]): Promise<{ found: Leftover[]; unclear: boolean }> {
  const all = (await hostProcesses.all()) ?? [];
  const family = ownFamily(all);
  const parents = new Set(known.map(({ pid }) => pid));
  const sessions = new Set(known.map(({ session }) => session));
  const found: Leftover[] = [];
  let unclear = false;
  for (let at = 0; at < all.length; at += BATCH) {
    const batch = all.slice(at, at + BATCH).filter(({ pid, osState }) => osState !== 'Z' && !family.has(pid));
    const marks = await Promise.all(batch.map(({ pid }) => runIdOf(pid, dir)));
    for (const [index, stat] of batch.entries()) {
      const mark = marks[index];
      const related = parents.has(stat.ppid) || sessions.has(stat.session);
      unclear ||= mark?.unclear === true && related;
      if (typeof mark?.runId !== 'string' || mark.runId === id) continue;
      if (bornBeforeTicks === null || Number(stat.startTicks) < bornBeforeTicks || related) found.push({ ...stat, runId: mark.runId });
    }
  }
  return { found, unclear };
}

/** Only the very process that was found. */
function send({ pid, startTicks }: ProcStat, signal: 'SIGSTOP' | 'SIGKILL'): void {
  if (readProcStat(pid)?.startTicks !== startTicks) return;
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (errorCode(error) !== 'ESRCH' && errorCode(error) !== 'EPERM') throw error;
  }
}

/** Gone, or a zombie: it does nothing any more. */
function isOver({ pid, startTicks }: ProcStat): boolean {
  const now = readProcStat(pid);
  return now === null || now.startTicks !== startTicks || now.osState === 'Z' || now.osState === 'X';
}

/** Stops each as it is found, so that none forks while the rest is looked for. What one of them has just forked may still have to show whose it is. */
async function collect(run: RunMark, bornBeforeTicks: number | null, clock: Clock): Promise<Leftover[]> {
  const leftovers = new Map<number, Leftover>();
  for (let round = 0; round < ROUNDS; round += 1) {
    const { found, unclear } = await findLeftovers(run, bornBeforeTicks, [...leftovers.values()]);
    const fresh = found.filter(({ pid, startTicks }) => leftovers.get(pid)?.startTicks !== startTicks);
    for (const leftover of fresh) {
      send(leftover, 'SIGSTOP');
      leftovers.set(leftover.pid, leftover);
    }
    if (fresh.length > 0) continue;
    if (!unclear) break;
    await delay(clock, POLL_MS);
  }
  return [...leftovers.values()];
}

/**
 * KILLs what an earlier run with the same folder left behind and waits (2 s at most) until it is gone. Call it while
 * holding the instance lock, before anything is started. Sure that it is ours: it carries our folder and another run's
 * id in its environment, and it is older than this process or a child of what is. Finds nothing where there is no /proc.
 */
export async function sweepLeftovers(run: RunMark, { clock = systemClock, bornBeforeTicks }: SweepOptions = {}): Promise<Sweep> {
  const ownStart = readProcStat(process.pid)?.startTicks;
  if (ownStart === undefined) return { ended: [], deadRuns: [], stuckRuns: [] };
  const leftovers = await collect(run, bornBeforeTicks === undefined ? Number(ownStart) : bornBeforeTicks, clock);
  for (const leftover of leftovers) send(leftover, 'SIGKILL');
  const startedMs = clock.monotonicMs();
  while (!leftovers.every(isOver) && clock.monotonicMs() - startedMs < WAIT_MS) await delay(clock, POLL_MS);
  const stuckRuns = new Set(leftovers.filter((leftover) => !isOver(leftover)).map(({ runId }) => runId));
  return {
    ended: leftovers.filter(isOver).map(({ pid, name, runId }) => ({ pid, name, runId })),
    deadRuns: [...new Set(leftovers.map(({ runId }) => runId))].filter((runId) => !stuckRuns.has(runId)),
    stuckRuns: [...stuckRuns],
  };
}

/** As `sweepLeftovers`; returns only the process ids. */
export async function sweepOrphans(runDir: string, runId: string, clock: Clock = systemClock): Promise<number[]> {
  const { ended } = await sweepLeftovers({ dir: runDir, id: runId }, { clock });
  return ended.map(({ pid }) => pid);
}
