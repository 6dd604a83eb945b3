import type { WorkOrder } from '@reelay/contracts';
import { CancelledByUser, Cause, Drained, KilledByHand, LeaseLost, MemoryPressure, Released, Shutdown, TimedOut, Watchdog } from '@reelay/runtime';

/** Why an attempt is ended before its work is done. */
export type EndReason =
  | { kind: 'cancelled' }
  /** Another attempt, or another agent, owns the job: nothing of this one counts. */
  | { kind: 'stale'; why: string }
  /** Given back to the hub, at no cost for the job. */
  | { kind: 'released'; by: 'pause' | 'drain' | 'shutdown' | 'silence'; reason: string }
  /** The host runs out of memory. */
  | { kind: 'shed'; reason: string; cause: MemoryPressure }
  /** It passed a memory limit of its own. */
  | { kind: 'over_memory'; reason: string; cause: MemoryPressure }
  | { kind: 'stalled'; stallMs: number }
  | { kind: 'time_limit'; limitMs: number }
  | { kind: 'killed_by_hand'; by: string; reason: string | null };

/** Another attempt of the job, or another agent with this node's id, took over. */
class Superseded extends Cause {
  readonly code = 'superseded';
}

/** The reason as the cause that reaches the log line of the process it ends. */
export function causeOf(reason: EndReason, order: WorkOrder): Cause {
  const fields = { jobId: order.jobId, epoch: order.epoch };
  switch (reason.kind) {
    case 'cancelled':
      return new CancelledByUser(fields);
    case 'stale':
      return new Superseded(reason.why, fields);
    case 'released':
      return releaseCause(reason, fields);
    case 'shed':
    case 'over_memory':
      return reason.cause;
    case 'stalled':
      return new Watchdog(order.type, reason.stallMs);
    case 'time_limit':
      return new TimedOut(order.type, reason.limitMs);
    case 'killed_by_hand':
      return new KilledByHand(reason.by);
    default:
      return unreachable(reason);
  }
}

function releaseCause({ by, reason }: Extract<EndReason, { kind: 'released' }>, fields: Record<string, unknown>): Cause {
  switch (by) {
    case 'pause':
      return new Released(fields);
    case 'drain':
      return new Drained(fields);
    case 'shutdown':
      return new Shutdown(reason);
    case 'silence':
      return new LeaseLost({ ...fields, reason });
    default:
      return unreachable(by);
  }
}

/** The reason behind a cause with which somebody else (the health monitor, the supervisor) ended the process; null when it is none of ours. */
export function reasonOf(cause: Error | undefined): EndReason | null {
  if (cause instanceof MemoryPressure) return memoryReason(cause);
  if (cause instanceof Shutdown) return { kind: 'released', by: 'shutdown', reason: 'the node stops' };
  return null;
}

/** A limit of its own makes it the job's failure; else the host's memory was short, and the job may be innocent. */
export function memoryReason(cause: MemoryPressure): EndReason {
  return { kind: cause.fields.limitBytes === undefined ? 'shed' : 'over_memory', reason: cause.message, cause };
}

/** Makes a switch exhaustive: a case left out does not compile. */
export function unreachable(value: never): never {
  throw new TypeError(`unexpected value ${JSON.stringify(value)}`);
}
