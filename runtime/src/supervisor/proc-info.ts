import type { Proc, ProcState } from './proc.ts';
import { programName, type ProcSource, type ProcStat } from './proc-stat.ts';
import type { AppliedLimits } from './resource-limits.ts';

/**
 * What a child is for. Under memory pressure `batch` goes first and `interactive` (somebody watches) last;
 * a `service` is never ended for it.
 */
export type ProcKind = 'service' | 'batch' | 'interactive' | 'tool';

export interface ProcMember {
  pid: number;
  /** The program's name, mostly as the kernel keeps it: 15 characters. */
  name: string;
  /** R, S, D, T, Z, … as in ps. */
  osState: string;
  cpuMs: number;
  rssBytes: number;
}

/** One child and the processes of its group. Figures are null where there is no /proc. */
export interface ProcInfo {
  /** `<pid>-<start time>`: never used for another process. */
  id: string;
  pid: number;
  name: string;
  kind: ProcKind;
  /** What it works for, such as `job <id>/<epoch>`. */
  owner: string | null;
  /** The file it works on, as people know it. */
  file: string | null;
  state: ProcState;
  frozen: boolean;
  uptimeMs: number;
  /** Processor time of the whole group, with what its ended members used. */
  cpuMs: number | null;
  /** Of one core, since the last inspection (the first time: since the start). */
  cpuPercent: number | null;
  rssBytes: number | null;
  members: ProcMember[];
  limits: AppliedLimits;
}

interface CpuSample {
  cpuMs: number;
  atMs: number;
  percent: number;
}

/** Ticks are 10 ms: over less than this the load would be noise, so the last one is given again. */
const SHORTEST_MS = 500;

/** Looks at all children at once and remembers the last figures, for the load in between. */
export class ProcInspector {
  readonly #source: ProcSource;
  readonly #last = new WeakMap<Proc, CpuSample>();

  constructor(source: ProcSource) {
    this.#source = source;
  }

  async inspect(procs: Iterable<Proc>, nowMs: () => number): Promise<ProcInfo[]> {
    const alive = [...procs].filter((proc) => proc.pid > 0);
    if (alive.length === 0) return [];
    const all = await this.#source.all();
    const atMs = nowMs();
    const groups = all && groupBy(all, (stat) => stat.pgid);
    const pids = all && new Map(all.map((stat) => [stat.pid, stat]));
    return alive.map((proc) => {
      const own = pids?.get(proc.pid);
      const members = proc.pgid > 1 ? groups?.get(proc.pgid) ?? [] : own && own.startTicks === proc.startTicks ? [own] : [];
      return this.#describe(proc, all === null ? null : members, atMs);
    });
  }

  #describe(proc: Proc, members: ProcStat[] | null, atMs: number): ProcInfo {
    const uptimeMs = Math.max(0, Math.round(atMs - proc.startedMs));
    // The dead count through whoever reaped them; what the living used is theirs alone, so nothing counts twice.
    const cpuMs = members && sum(members, (stat) => stat.cpuMs + stat.reapedCpuMs);
    return {
      id: proc.id,
      pid: proc.pid,
      name: proc.name,
      kind: proc.kind,
      owner: proc.owner,
      file: proc.file,
      state: proc.state,
      frozen: proc.frozen,
      uptimeMs,
      cpuMs,
      cpuPercent: cpuMs === null ? null : this.#load(proc, cpuMs, atMs),
      rssBytes: members && sum(members, (stat) => stat.rssBytes),
      members: (members ?? []).map(({ pid, name, osState, cpuMs: own, rssBytes }) => ({ pid, name: programName({ pid, name }), osState, cpuMs: own, rssBytes })),
      limits: proc.limits,
    };
  }

  #load(proc: Proc, cpuMs: number, atMs: number): number {
    const known = this.#last.get(proc);
    const last = known ?? { cpuMs: 0, atMs: proc.startedMs };
    const passedMs = atMs - last.atMs;
    if (known && passedMs < SHORTEST_MS) return known.percent;
    const percent = passedMs <= 0 ? 0 : Math.max(0, Math.round((1_000 * (cpuMs - last.cpuMs)) / passedMs) / 10);
    this.#last.set(proc, { cpuMs, atMs, percent });
    return percent;
  }
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}

function groupBy<T>(items: readonly T[], key: (item: T) => number): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}
