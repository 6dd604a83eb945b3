import { readFileSync } from 'node:fs';
import { type CgroupPlace, locateMemoryV1, locateUnified, upToMount } from '../cgroup/locate.ts';

/** What one keeper of memory, the host or a cgroup we are in, has left. */
export interface MemorySample {
  source: 'host' | 'cgroup';
  /** Free or quickly made free. */
  availableBytes: number;
  totalBytes: number;
}

export interface MemorySamples {
  samples: MemorySample[];
  /** Time in which some task waited for memory, since boot, in microseconds; null where the kernel does not say. */
  stalledUs: number | null;
}

/** Null for a file that is not there. */
export type ReadText = (path: string) => string | null;

/** cgroup v1 says "no limit" with a number near 2^63. */
const NO_LIMIT_BYTES = 2 ** 60;
const BYTES_PER_KIB = 1_024;

function readHostFile(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** The number after `name` in a file of `name value` lines. */
function valueOf(text: string | null, name: string): number | null {
  const found = text === null ? null : new RegExp(`^${name}:?\\s+(\\d+)`, 'm').exec(text);
  return found ? Number(found[1]) : null;
}

function numberIn(text: string | null): number | null {
  return text !== null && /^\d+\s*$/.test(text) ? Number(text) : null;
}

function host(read: ReadText): MemorySample[] {
  const meminfo = read('/proc/meminfo');
  const totalKb = valueOf(meminfo, 'MemTotal');
  const availableKb = valueOf(meminfo, 'MemAvailable');
  if (totalKb === null || availableKb === null) return [];
  return [{ source: 'host', availableBytes: availableKb * BYTES_PER_KIB, totalBytes: totalKb * BYTES_PER_KIB }];
}

interface FileNames {
  limit: string;
  usage: string;
  /** Page cache that nobody used lately: the kernel takes it back before it kills. */
  cache: string;
}

const V2: FileNames = { limit: 'memory.max', usage: 'memory.current', cache: 'inactive_file' };
const V1: FileNames = { limit: 'memory.limit_in_bytes', usage: 'memory.usage_in_bytes', cache: 'total_inactive_file' };

/** One sample for each limit on the way up. */
function limited(read: ReadText, place: CgroupPlace | null, names: FileNames): MemorySample[] {
  if (place === null) return [];
  return upToMount(place).flatMap((folder): MemorySample[] => {
    const limitBytes = numberIn(read(`${folder}/${names.limit}`));
    const usageBytes = numberIn(read(`${folder}/${names.usage}`));
    if (limitBytes === null || usageBytes === null || limitBytes >= NO_LIMIT_BYTES) return [];
    const usedBytes = usageBytes - (valueOf(read(`${folder}/memory.stat`), names.cache) ?? 0);
    return [{ source: 'cgroup', availableBytes: Math.max(0, limitBytes - usedBytes), totalBytes: limitBytes }];
  });
}

function stalledUs(text: string | null): number | null {
  const total = text === null ? null : /^some .*\btotal=(\d+)/m.exec(text);
  return total ? Number(total[1]) : null;
}

/** Reads what is left of the host's memory and of every limit that we are under. Empty where nothing is known. */
export function sampleMemory(read: ReadText = readHostFile): MemorySamples {
  const mountinfo = read('/proc/self/mountinfo') ?? '';
  const selfCgroup = read('/proc/self/cgroup') ?? '';
  const unified = locateUnified(mountinfo, selfCgroup);
  const samples = [...host(read), ...limited(read, unified, V2), ...limited(read, locateMemoryV1(mountinfo, selfCgroup), V1)];
  const own = unified && stalledUs(read(`${unified.folder}/memory.pressure`));
  return { samples, stalledUs: own ?? stalledUs(read('/proc/pressure/memory')) };
}
