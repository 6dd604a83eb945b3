import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { Duplex } from 'node:stream';
import type { ChildCgroup } from './cgroup/child-cgroup.ts';
import type { CgroupTree } from './cgroup/cgroup-tree.ts';
import { applyNice } from './nice.ts';
import { findExecutable, hasIonice, hasSetpriv, wrapCommand } from './command.ts';
import { nextMark, PROC_MARK } from './proc-mark.ts';
import { readProcStat } from './proc-stat.ts';
import { type AppliedLimits, NO_LIMITS, type ResourceLimits } from './resource-limits.ts';
import type { SpawnOptions } from './spawn-options.ts';

export interface LaunchContext {
  /** The environment that the child's is added to. */
  baseEnv: Readonly<Record<string, string>>;
  cgroups: CgroupTree | undefined;
  /** Somebody has to know the child before it may run. */
  guarded: boolean;
}

/** A child that was forked, and perhaps waits at its gate. */
export interface Launched {
  child: ChildProcess;
  /** Null where there is no /proc, and when it could not be started. */
  startTicks: string | null;
  /** What its environment says it is, and with it that of all it starts. */
  mark: string;
  limits: AppliedLimits;
  cgroup: ChildCgroup | null;
  /** Lets the program run. */
  open: () => void;
}

const FIRST_EXTRA_FD = 3;
/** A POSIX sh takes one digit. */
const LAST_GATE_FD = 9;
const KB_PER_MB = 1_024;
/**
 * RLIMIT_DATA counts what is mapped, touched or not: ffmpeg with 72 threads had 3.9 GB of it at 0.8 GB resident
 * (measured, x264 at 2160p). So it only stops a run-away between two looks of the health monitor. RLIMIT_AS would count
 * reservations too, of which CUDA and V8 make tens of gigabytes; RLIMIT_RSS has no effect on Linux.
 */
const DATA_FACTOR = 2;
const DATA_ALLOWANCE_MB = 8_192;

/** Forks the child. With a gate it waits until `open()`, and what is set from outside holds before its first instruction. */
export function launch(options: SpawnOptions, { baseEnv, cgroups, guarded }: LaunchContext): Launched {
  const { limits: asked = {} } = options;
  const mark = nextMark();
  const env: Record<string, string | undefined> = { ...baseEnv, ...options.env, [PROC_MARK]: mark };
  const argv0 = findExecutable(options.argv0, env['PATH'] ?? '');
  const cgroup = argv0 !== null && options.group === 'own' && wantsCgroup(options) ? (cgroups?.create() ?? null) : null;
  const gateFd = argv0 !== null && (guarded || cgroup !== null || asked.nice !== undefined) ? gateFdOf(options) : undefined;
  const spawnOptions = {
    env, stdio: stdioOf(options, gateFd !== undefined), detached: options.group === 'own', ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  };
  // Started bare, a missing program reports ENOENT; behind the wrapper it would be an exit code.
  if (argv0 === null) return { child: spawn(options.argv0, [...options.args], spawnOptions), startTicks: null, mark, limits: NO_LIMITS, cgroup: null, open: () => {} };
  const memoryBy = limitMemory(asked, cgroup);
  const ioPriority = asked.ioPriority !== undefined && hasIonice() ? asked.ioPriority : undefined;
  const dataKb = memoryBy === 'rlimit' && asked.memoryMb !== undefined ? (DATA_FACTOR * asked.memoryMb + DATA_ALLOWANCE_MB) * KB_PER_MB : undefined;
  const { file, args, ...identity } = wrapCommand({ ...options, argv0, deathSignal: options.deathSignal ?? 'KILL', gateFd, dataKb, ioPriority }, process.pid, hasSetpriv());
  const child = spawn(file, args, { ...spawnOptions, ...identity });
  if (child.pid === undefined) cgroup?.remove();
  else cgroup?.add(child.pid);
  return {
    child,
    // Only this thread reaps, so the number is still the child's own, be it a zombie.
    startTicks: child.pid === undefined ? null : (readProcStat(child.pid)?.startTicks ?? null),
    mark,
    cgroup: child.pid === undefined ? null : cgroup,
    limits: {
      nice: child.pid === undefined || asked.nice === undefined ? null : applyNice(child.pid, asked.nice),
      ioPriority: ioPriority ?? null,
      memoryMb: asked.memoryMb ?? null,
      memoryBy,
      cpuCores: asked.cpuCores !== undefined && cgroup?.limitCpu(asked.cpuCores) === true ? asked.cpuCores : null,
    },
    open: () => openGate(child, gateFd),
  };
}

/** A tool is over in a moment; a cgroup of its own costs more than it is worth, unless it has limits. */
function wantsCgroup({ kind = 'tool', limits }: SpawnOptions): boolean {
  return kind !== 'tool' || limits?.memoryMb !== undefined || limits?.cpuCores !== undefined;
}

function limitMemory({ memoryMb }: ResourceLimits, cgroup: ChildCgroup | null): AppliedLimits['memoryBy'] {
  if (memoryMb === undefined) return null;
  if (cgroup?.limitMemory(memoryMb) === true) return 'cgroup';
  return process.platform === 'linux' ? 'rlimit' : 'monitor';
}

function gateFdOf(options: SpawnOptions): number | undefined {
  const fd = FIRST_EXTRA_FD + (options.extraPipes ?? 0) + (options.ipc === true ? 1 : 0);
  return fd <= LAST_GATE_FD ? fd : undefined;
}

/** Written at once: a few bytes into an empty socket. */
function openGate(child: ChildProcess, gateFd: number | undefined): void {
  const gate: unknown = gateFd === undefined ? undefined : (child.stdio as readonly unknown[])[gateFd];
  if (!(gate instanceof Duplex)) return;
  gate.on('error', () => {});
  gate.write('go\n', () => gate.destroy());
}

function stdioOf(options: SpawnOptions, withGate: boolean): StdioOptions {
  const stdout = options.onStdoutLine ? 'pipe' : (options.stdout ?? 'ignore');
  const stderr = options.stderr === undefined || options.stderr === 'tail' ? 'pipe' : options.stderr;
  const extra = Array.from({ length: options.extraPipes ?? 0 }, () => 'pipe' as const);
  return [options.stdin ?? 'ignore', stdout, stderr, ...extra, ...(options.ipc ? ['ipc' as const] : []), ...(withGate ? ['pipe' as const] : [])];
}
