import type { Clock } from '../clock.ts';

export interface SignalListener {
  stop(signal: string): void;
  stopAtOnce(reason: string): void;
  reload(): void;
  describe(): void;
  /** An exception or rejection that nobody caught. */
  crash(thrown: unknown): void;
}

const SAME_SIGNAL_MS = 1_000;

/**
 *   TERM, INT    orderly stop; once more, more than a second later: at once (npm and the terminal both deliver Ctrl-C)
 *   QUIT         at once
 *   HUP          reload
 *   USR2         description into the log
 *   USR1         ignored: Node would open its debugger, which any user of this host could then enter
 *   PIPE         ignored by Node; writes nobody reads fail without harm
 */
export function listenToSignals(clock: Clock, listener: SignalListener): void {
  let firstMs: number | undefined;
  const onStopSignal = (signal: string): void => {
    const nowMs = clock.monotonicMs();
    if (firstMs === undefined) {
      firstMs = nowMs;
      listener.stop(signal);
    } else if (nowMs - firstMs > SAME_SIGNAL_MS) listener.stopAtOnce(`a second ${signal}`);
  };
  for (const stream of [process.stdin, process.stdout, process.stderr]) stream.on('error', () => {});
  process.on('SIGTERM', onStopSignal);
  process.on('SIGINT', onStopSignal);
  process.on('SIGQUIT', (signal) => listener.stopAtOnce(signal));
  process.on('SIGHUP', () => listener.reload());
  process.on('SIGUSR2', () => listener.describe());
  process.on('SIGUSR1', () => {});
  process.on('uncaughtException', (error) => listener.crash(error));
  process.on('unhandledRejection', (reason) => listener.crash(reason));
}
