import type { DeathSignal } from './command.ts';
import type { ProcKind } from './proc-info.ts';
import type { ResourceLimits } from './resource-limits.ts';

export interface SpawnOptions {
  /** For logs and errors. */
  name: string;
  /** What it is for; decides what goes first when memory is short. Default `tool`. */
  kind?: ProcKind | undefined;
  /** What it works for, such as `job <id>/<epoch>`. */
  owner?: string | undefined;
  /** The file it works on, as people know it. */
  file?: string | undefined;
  limits?: ResourceLimits | undefined;
  argv0: string;
  args: readonly string[];
  /** Added to a small safe base (PATH, HOME, LANG, TMPDIR, …): a child never inherits this process's secrets. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  cwd?: string | undefined;
  /** Default `ignore`. */
  stdin?: 'pipe' | 'ignore' | undefined;
  /** Default `ignore`; with `onStdoutLine` it is a pipe that the supervisor drains. */
  stdout?: 'pipe' | 'ignore' | 'inherit' | undefined;
  /** Default `tail`: drained, the last 64 KB are kept. */
  stderr?: 'tail' | 'ignore' | 'inherit' | undefined;
  /** Pipes from file descriptor 3 on. */
  extraPipes?: number | undefined;
  /** A channel for `process.send` of a Node child. */
  ipc?: boolean | undefined;
  /** `own`: a new process group, signalled as a whole. `inherit`: stays in ours, only the process is signalled. */
  group: 'own' | 'inherit';
  /** Between TERM and KILL. Default 5 s. */
  graceMs?: number | undefined;
  /** No `touch()` for so long ends it with `stalled`. */
  stallMs?: number | undefined;
  /** Longest life; ends it with `timeLimit`. */
  limitMs?: number | undefined;
  /** Asked by the stall watchdog: is it us who do not read? */
  isBackpressured?: (() => boolean) | undefined;
  /** 1000: the first to go when memory is short. */
  oomScoreAdj?: number | undefined;
  /** What the child gets when this process dies. Default KILL. */
  deathSignal?: DeathSignal | undefined;
  uid?: number | undefined;
  gid?: number | undefined;
  onStdoutLine?: ((line: string) => void) | undefined;
  onStderrLine?: ((line: string) => void) | undefined;
}
