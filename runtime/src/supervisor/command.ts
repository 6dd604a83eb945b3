import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The signal that the kernel sends a child when the process that started it dies. */
export type DeathSignal = 'KILL' | 'TERM' | 'INT';

export interface CommandOptions {
  argv0: string;
  args: readonly string[];
  deathSignal: DeathSignal;
  oomScoreAdj?: number | undefined;
  uid?: number | undefined;
  gid?: number | undefined;
}

export interface Command {
  file: string;
  args: string[];
  /** For `spawn`, where no wrapper changes them. */
  uid?: number;
  gid?: number;
}

/** The absolute path of a program, looked up as the shell does; null when it is not there or not executable. */
export function findExecutable(name: string, path: string): string | null {
  const candidates = name.includes('/') ? [name] : path.split(delimiter).map((dir) => join(dir || '.', name));
  for (const candidate of candidates) {
    try {
      accessSync(candidate, constants.X_OK);
      if (statSync(candidate).isFile()) return candidate;
    } catch {
      // Not this one.
    }
  }
  return null;
}

let setprivWorks: boolean | undefined;

/** True when util-linux's setpriv is there; BusyBox's has no --pdeathsig. Asked once per process. */
export function hasSetpriv(): boolean {
  setprivWorks ??= process.platform === 'linux' && spawnSync('setpriv', ['--pdeathsig', 'KILL', '--', 'true'], { stdio: 'ignore', timeout: 5_000 }).status === 0;
  return setprivWorks;
}

/**
 * Between fork and prctl the parent may die unnoticed (2 orphans in 200 tries, measured); so the wrapper compares
 * its parent with the one it expects ($0) and leaves when that is gone (0 in 200). It then becomes the program.
 */
function guardScript(oomScoreAdj: number | undefined): string {
  const adjust = oomScoreAdj === undefined ? '' : `echo ${Math.trunc(oomScoreAdj)} > /proc/self/oom_score_adj 2>/dev/null; `;
  return `[ "$PPID" = "$0" ] || exit 125; ${adjust}exec "$@"`;
}

/** Wraps a program so that it dies with this process. `withSetpriv` false: the guardian has to do it. */
export function wrapCommand(options: CommandOptions, parentPid: number, withSetpriv: boolean): Command {
  const { argv0, args, deathSignal, oomScoreAdj, uid, gid } = options;
  const guarded = ['sh', '-c', guardScript(oomScoreAdj), String(parentPid), argv0, ...args];
  if (!withSetpriv) {
    const [file = 'sh', ...rest] = guarded;
    return { file, args: rest, ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) };
  }
  const identity = [
    ...(uid === undefined ? [] : [`--reuid=${uid}`]),
    ...(gid === undefined ? [] : [`--regid=${gid}`]),
    ...(uid === undefined && gid === undefined ? [] : ['--clear-groups']),
  ];
  return { file: 'setpriv', args: ['--pdeathsig', deathSignal, ...identity, '--', ...guarded] };
}
