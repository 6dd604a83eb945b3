import { ReelayError } from './errors.ts';

/** Why a piece of work was ended before its natural end. First cause wins in a `Ctx`. */
export abstract class Cause extends ReelayError {}

/** The HTTP client closed its connection. */
export class ClientGone extends Cause {
  readonly code = 'client_gone';
  constructor(fields: Record<string, unknown> = {}) {
    super('the client went away', fields);
  }
}

/** The HTTP client stopped reading for longer than allowed. */
export class StalledClient extends Cause {
  readonly code = 'client_stalled';
  constructor(stalledMs: number) {
    super(`the client read nothing for ${stalledMs} ms`, { stalledMs });
  }
}

/** A player, node or gateway stopped sending heartbeats. */
export class HeartbeatLost extends Cause {
  readonly code = 'heartbeat_lost';
  constructor(who: string, silentMs: number) {
    super(`no heartbeat from ${who} for ${silentMs} ms`, { who, silentMs });
  }
}

/** This process is stopping. */
export class Shutdown extends Cause {
  readonly code = 'shutdown';
  constructor(reason: string) {
    super(`shutting down: ${reason}`, { reason });
  }
}

/** No progress for longer than allowed. */
export class Watchdog extends Cause {
  readonly code = 'stalled';
  constructor(name: string, stallMs: number) {
    super(`${name} made no progress for ${stallMs} ms`, { name, stallMs });
  }
}

/** The host runs out of memory and this work was chosen to end. */
export class MemoryPressure extends Cause {
  readonly code = 'memory_pressure';
  constructor(fields: Record<string, unknown> = {}) {
    super('ended to free memory', fields);
  }
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
    super(`${name} passed its time limit of ${limitMs} ms`, { name, limitMs });
  }
}

/** A person cancelled the work. */
export class CancelledByUser extends Cause {
  readonly code = 'cancelled';
  constructor(fields: Record<string, unknown> = {}) {
    super('cancelled by a user', fields);
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
    super('the node is being drained', fields);
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
