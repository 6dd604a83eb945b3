/**
 * How a service ends. Units, restart policies and the command line branch on these; the numbers are those of
 * sysexits(3) where it has one.
 */
export const EXIT_CODES = {
  /** It was asked to stop, and did. */
  stopped: 0,
  /** It had to be cut off: the stop took too long, or was asked for twice. */
  cutOff: 1,
  /** Something that it needs is not there now, such as Postgres, NATS or a free port: it may work later. */
  unavailable: 69,
  /** An error that nobody expected. */
  crashed: 70,
  /** The same service runs already. */
  alreadyRunning: 75,
  /** A newer agent has this one's node id; starting again would only take it back. */
  superseded: 76,
  /** A person has to change something first: a setting, a folder, a program, a password. */
  configuration: 78,
} as const;
export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

/** Starting again by itself would only take something away from the one that runs: who keeps services running leaves these. */
export const FINAL_EXIT_CODES: ReadonlySet<number> = new Set([EXIT_CODES.alreadyRunning, EXIT_CODES.superseded]);
