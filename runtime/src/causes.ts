import { sayDuration, sayMegabytes } from './duration.ts';
import { ReelayError } from './errors.ts';

/** Why a piece of work was ended before its natural end. First cause wins in a `Ctx`. */
export abstract class Cause extends ReelayError {}

/** The HTTP client closed its connection. */
export class ClientGone extends Cause {
  readonly code = 'client_gone';
  constructor(fields: Record<string, unknown> = {}) {
    super('client disconnected', fields);
  }
}

/** The HTTP client stopped reading for longer than allowed. */
export class StalledClient extends Cause {
  readonly code = 'client_stalled';
  constructor(stalledMs: number) {
    super(`client stalled: it read nothing for ${sayDuration(stalledMs)}`, { stalledMs });
  }
}

/** A player, node or gateway stopped sending heartbeats. */
export class HeartbeatLost extends Cause {
  readonly code = 'heartbeat_lost';
  constructor(who: string, silentMs: number) {
    super(`no heartbeat from ${who} for ${sayDuration(silentMs)}`, { who, silentMs });
  }
}

/** This process is stopping. */
export class Shutdown extends Cause {
  readonly code = 'shutdown';
  constructor(reason: string) {
    super(`shutting down: ${reason}`, { reason });
  }
}

/** The terminal in which this process was started was closed. */
export class TerminalClosed extends Cause {
  readonly code = 'terminal_closed';
  constructor() {
    super('the terminal was closed');
  }
}

/** No progress for longer than allowed. */
export class Watchdog extends Cause {
  readonly code = 'stalled';
  constructor(name: string, stallMs: number) {
    super(`watchdog: no progress for ${sayDuration(stallMs)}`, { name, stallMs });
  }
}

/** The numbers of a `MemoryPressure`; what is known of them makes its sentence. */
export interface MemoryFigures extends Record<string, unknown> {
  /** What the work itself used, and its own limit. */
  rssBytes?: number;
  limitBytes?: number;
  /** What the host or container had left, of how much. */
  availableBytes?: number;
  totalBytes?: number;
}

/** The work passed its memory limit, or the host runs out of memory and this work was chosen to end. */
export class MemoryPressure extends Cause {
  readonly code = 'memory_pressure';
  constructor(fields: MemoryFigures = {}) {
    super(sayMemory(fields), fields);
  }
}

function sayMemory({ rssBytes, limitBytes, availableBytes, totalBytes }: MemoryFigures): string {
  if (limitBytes !== undefined) {
    return rssBytes === undefined ? `passed its memory limit of ${sayMegabytes(limitBytes)}` : `used ${sayMegabytes(rssBytes)} of memory, its limit is ${sayMegabytes(limitBytes)}`;
  }
  if (availableBytes === undefined) return 'ended to free memory';
  const of = totalBytes === undefined ? '' : ` of ${sayMegabytes(totalBytes)}`;
  return `ended to free memory: ${sayMegabytes(availableBytes)}${of} were left`;
}

/** Somebody with the right to it asked for the file that this work reads. */
export class FileReclaimed extends Cause {
  readonly code = 'file_reclaimed';
  constructor(path: string) {
    super(`the file is needed elsewhere: ${path}`, { path });
  }
}

/** The work passed its time limit. */
export class TimedOut extends Cause {
  readonly code = 'timed_out';
  constructor(name: string, limitMs: number) {
    super(`${name} passed its time limit of ${sayDuration(limitMs)}`, { name, limitMs });
  }
}

/** A person cancelled the work. */
export class CancelledByUser extends Cause {
  readonly code = 'cancelled';
  constructor(fields: Record<string, unknown> = {}) {
    super('cancelled by a user', fields);
  }
}

/** Somebody ended this one process, in the page or through the API. */
export class KilledByHand extends Cause {
  readonly code = 'killed_by_hand';
  constructor(by: string) {
    super(`ended by hand by ${by}`, { by });
  }
}

/** The player jumped elsewhere; what was made for the old place is of no use. */
export class SupersededBySeek extends Cause {
  readonly code = 'superseded_by_seek';
  constructor(fields: Record<string, unknown> = {}) {
    super('superseded by seek', fields);
  }
}

/** Nobody asked for anything of this session for longer than allowed. */
export class SessionIdle extends Cause {
  readonly code = 'session_idle';
  constructor(idleMs: number) {
    super(`session idle for ${sayDuration(idleMs)}`, { idleMs });
  }
}

/** Whoever opened the session wants no more of it. */
export class SessionClosed extends Cause {
  readonly code = 'session_closed';
  constructor(reason: string) {
    super(`session closed: ${reason}`, { reason });
  }
}

/** The node lost the right to work on the attempt. */
export class LeaseLost extends Cause {
  readonly code = 'lease_lost';
  constructor(fields: Record<string, unknown> = {}) {
    super('the lease on this attempt is lost', fields);
  }
}

/** The node hands its work over. */
export class Drained extends Cause {
  readonly code = 'drained';
  constructor(fields: Record<string, unknown> = {}) {
    super('node drained', fields);
  }
}

/** A running job was paused and its resources were given back. */
export class Released extends Cause {
  readonly code = 'released';
  constructor(fields: Record<string, unknown> = {}) {
    super('paused and released', fields);
  }
}

/** The work ended by itself; what still hangs on its context ends with it. */
export class Finished extends Cause {
  readonly code = 'finished';
  constructor() {
    super('finished');
  }
}
