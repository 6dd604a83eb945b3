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
  /** Descriptor that the program's start waits on, 3 … 9. */
  gateFd?: number | undefined;
  /** Bound on writable private memory of each process (RLIMIT_DATA), in KiB. */
  dataKb?: number | undefined;
  /** Disk priority by ionice(1); asked of `hasIonice` before. */
  ioPriority?: IoPriority | undefined;
  uid?: number | undefined;
  gid?: number | undefined;
}

type IoPriority = 'normal' | 'low' | 'idle';

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

let ioniceWorks: boolean | undefined;

/** True when there is an ionice(1) that may set the class. Asked once per process. */
export function hasIonice(): boolean {
  ioniceWorks ??= process.platform === 'linux' && spawnSync('ionice', ['-c', '3', 'true'], { stdio: 'ignore', timeout: 5_000 }).status === 0;
  return ioniceWorks;
}

const IONICE_ARGS: Record<IoPriority, string[]> = { normal: ['-c', '2', '-n', '4'], low: ['-c', '2', '-n', '7'], idle: ['-c', '3'] };

/**
 * Between fork and prctl the parent may die unnoticed (2 orphans in 200 tries, measured); so the wrapper compares
 * its parent with the one it expects ($0) and leaves when that is gone (0 in 200). The gate holds it until the guardian
 * knows its group and its limits are set; when we die before that, the gate is closed and it leaves. It then becomes
 * the program. All that goes into the text are numbers.
 */
function guardScript({ oomScoreAdj, gateFd, dataKb }: CommandOptions): string {
  const gate = gateFd === undefined ? '' : `read -r go <&${Math.trunc(gateFd)} || exit 125; exec ${Math.trunc(gateFd)}<&-; `;
  const adjust = oomScoreAdj === undefined ? '' : `echo ${Math.trunc(oomScoreAdj)} > /proc/self/oom_score_adj 2>/dev/null; `;
  const limit = dataKb === undefined ? '' : `ulimit -d ${Math.trunc(dataKb)} 2>/dev/null; `;
  return `[ "$PPID" = "$0" ] || exit 125; ${gate}${adjust}${limit}exec "$@"`;
}

/** Wraps a program so that it dies with this process. `withSetpriv` false: the guardian has to do it. */
export function wrapCommand(options: CommandOptions, parentPid: number, withSetpriv: boolean): Command {
  const { argv0, args, deathSignal, ioPriority, uid, gid } = options;
  const ionice = ioPriority === undefined ? [] : ['ionice', ...IONICE_ARGS[ioPriority]];
  const guarded = ['sh', '-c', guardScript(options), String(parentPid), ...ionice, argv0, ...args];
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
