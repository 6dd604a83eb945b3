import type { JobError, JobOutcome } from '@reelay/contracts';
import type { Exit } from '@reelay/runtime/supervisor';
import type { WorkerEnd } from '../process/job-worker.ts';
import { type EndReason, reasonOf, unreachable } from './end-reason.ts';

/**
 * How an attempt ended. What the job said last counts, even when the end was asked for meanwhile: the hub decides whether
 * it came too late. Null: there is nothing to report.
 */
export function outcomeOf(end: WorkerEnd, asked: EndReason | null): JobOutcome | null {
  if (asked?.kind === 'stale') return null;
  if (end.outcome) return end.outcome;
  const reason = asked ?? reasonOf(end.exit.cause);
  if (reason === null) return { kind: 'failed', error: crashOf(end.exit, end.stderrTail) };
  switch (reason.kind) {
    case 'cancelled':
      return { kind: 'cancelled' };
    case 'stale':
      return null;
    case 'released':
      return { kind: 'released', reason: reason.reason, ...(reason.by === 'shutdown' ? { cause: 'shutdown' as const } : {}) };
    case 'shed':
      return { kind: 'released', reason: reason.reason.slice(0, 500), cause: 'memory' };
    case 'stalled':
      return failed('stalled', `The job made no progress for ${seconds(reason.stallMs)} and was ended.`);
    case 'time_limit':
      return failed('time_limit', `The job ran longer than its limit of ${seconds(reason.limitMs)} and was ended.`);
    case 'over_memory':
      return failed('out_of_memory', `The job ran out of memory: it ${reason.reason}.`);
    case 'killed_by_hand':
      // Whoever ended it saw it do harm; to start it again behind their back would undo that. Retry is one click.
      return failed('killed_by_hand', `Ended by hand by ${reason.by}${reason.reason === null ? '' : `: ${reason.reason}`}.`, false);
    default:
      return unreachable(reason);
  }
}

const seconds = (ms: number): string => (ms >= 120_000 ? `${Math.round(ms / 60_000)} minutes` : `${Math.round(ms / 100) / 10} s`);
const failed = (code: string, message: string, retryable = true): JobOutcome => ({ kind: 'failed', error: { code, message, retryable } });

/** A job's process that ended without a word, in one sentence. */
export function crashOf(exit: Exit, stderrTail: string): JobError {
  if (exit.kind === 'spawnError') return { code: 'spawn_failed', message: 'The job’s process could not be started on this node.', retryable: true };
  if (/heap out of memory|Allocation failed/.test(stderrTail)) return { code: 'out_of_memory', message: 'The job’s process ran out of memory.', retryable: true };
  if (exit.kind === 'signal' && exit.signal === 'SIGKILL') {
    return { code: 'killed', message: 'The job’s process was killed, most likely because the host ran out of memory.', retryable: true };
  }
  const how = exit.kind === 'code' ? `with exit code ${exit.code}` : exit.kind === 'signal' ? `by the signal ${exit.signal}` : exit.kind;
  const said = lastWords(stderrTail);
  return { code: 'job_crashed', message: `The job’s process ended unexpectedly ${how}${said ? `: ${said}` : ''}.`, retryable: true };
}

/** The line of a stack trace that names the error, else the last line. */
function lastWords(stderrTail: string): string {
  const lines = stderrTail.split('\n').map((line) => line.trim()).filter((line) => line !== '' && !/^(at |Node\.js v|\^+$)/.test(line));
  const named = lines.findLast((line) => /^\w*(Error|Exception)\b/.test(line));
  return (named ?? lines.at(-1) ?? '').slice(0, 500);
}
