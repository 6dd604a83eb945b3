import type { KillProcess, KillProcessReply } from '@reelay/contracts';
import { type Clock, KilledByHand, waitAtMost } from '@reelay/runtime';
import type { Exit, Supervisor } from '@reelay/runtime/supervisor';
import type { Attempts } from '../attempts/attempts.ts';

export interface KillDeps {
  supervisor: Pick<Supervisor, 'alive' | 'end'>;
  attempts: Pick<Attempts, 'ofProcess'>;
  clock: Clock;
}

/** What ends by then is told as ended, the rest as ending. */
const WAIT_MS = 1_800;

/**
 * Ends one process because a person asked for it. A job's goes through its attempt, which then fails with `killed_by_hand`;
 * for a job the answer waits until the hub knows its end.
 */
export async function killByHand({ supervisor, attempts, clock }: KillDeps, { processId, by, reason }: Pick<KillProcess, 'processId' | 'by' | 'reason'>): Promise<KillProcessReply> {
  const startedMs = clock.monotonicMs();
  const proc = supervisor.alive.find(({ id }) => id === processId);
  if (!proc) return GONE;
  const attempt = attempts.ofProcess(processId);
  attempt?.end({ kind: 'killed_by_hand', by, reason });
  const exit = attempt ? attempt.exited.then((ended) => ended.exit) : supervisor.end(processId, new KilledByHand(by));
  if (!exit) return GONE;
  const ended = exit.then((how) => ({ how: sayExit(how), tookMs: Math.round(clock.monotonicMs() - startedMs) }));
  const [end] = await Promise.all([orNull(clock, ended), orNull(clock, attempt?.over)]);
  const { pid, name, forced } = proc;
  return { ok: true, result: end ? 'ended' : 'ending', pid, name, job: attempt?.ref ?? null, how: end?.how ?? null, tookMs: end?.tookMs ?? null, forced };
}

/** What it resolves to, or null when that takes too long. */
async function orNull<T>(clock: Clock, work: Promise<T> | undefined): Promise<T | null> {
  let value: T | null = null;
  await waitAtMost(clock, WAIT_MS, (async () => {
    value = (await work) ?? null;
  })());
  return value;
}

const GONE: KillProcessReply = { ok: true, result: 'gone', pid: null, name: null, job: null, how: null, tookMs: null, forced: false };

function sayExit(exit: Exit): string {
  switch (exit.kind) {
    case 'code':
      return `exit code ${exit.code}`;
    case 'signal':
      return `signal ${exit.signal}`;
    case 'spawnError':
      return 'it never started';
    case 'stalled':
    case 'timeLimit':
      return exit.kind;
    default:
      return 'it ended';
  }
}
