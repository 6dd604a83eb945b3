/** What a child may use. Every limit is applied where the system allows it; one that cannot be is no error. */
export interface ResourceLimits {
  /** -20 (first) … 19 (last); raising it above our own needs no right. */
  nice?: number | undefined;
  /** `low`: best effort, last; `idle`: only when nobody else wants the disk. */
  ioPriority?: 'normal' | 'low' | 'idle' | undefined;
  /** Resident memory of the child and all it starts, in MiB. */
  memoryMb?: number | undefined;
  /** Processor time per time, so 1.5 is one and a half cores. */
  cpuCores?: number | undefined;
}

/** What was really applied; null where nothing was. */
export interface AppliedLimits {
  nice: number | null;
  ioPriority: 'normal' | 'low' | 'idle' | null;
  memoryMb: number | null;
  /** `cgroup`: the kernel keeps it. `rlimit`: a coarse bound on allocations, and the health monitor watches. */
  memoryBy: 'cgroup' | 'rlimit' | 'monitor' | null;
  cpuCores: number | null;
}

export const NO_LIMITS: AppliedLimits = { nice: null, ioPriority: null, memoryMb: null, memoryBy: null, cpuCores: null };
