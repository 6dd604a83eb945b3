import { rmSync } from 'node:fs';
import { open, readFile, rename, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { errorCode } from '../errors.ts';

/** What a pid file says. Information only; the lock is elsewhere. */
export interface PidFile {
  pid: number;
  /** Start time of the process in clock ticks since boot: tells it from a later one with the same pid. */
  startTicks: string | null;
  bootId: string | null;
  /** Where the pid counts; null in a file that a person wrote. */
  host: string | null;
  runId: string;
  startedAt: string;
}

async function startTicksOf(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

async function bootId(): Promise<string | null> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => null))?.trim() ?? null;
}

/** This process, as its pid file tells of it. */
export async function describeOwner(runId: string, now: Date): Promise<PidFile> {
  return { pid: process.pid, startTicks: await startTicksOf(process.pid), bootId: await bootId(), host: hostname(), runId, startedAt: now.toISOString() };
}

/** The pid alone on the first line, for `kill $(head -1 file)`; then one fact a line. */
export function formatPidFile({ pid, startTicks, bootId: boot, host, runId, startedAt }: PidFile): string {
  const facts = { 'start-ticks': startTicks, 'boot-id': boot, host, run: runId, since: startedAt };
  return [String(pid), ...Object.entries(facts).flatMap(([name, value]) => (value ? [`${name} ${value}`] : []))].join('\n').concat('\n');
}

function parsePidFile(text: string): PidFile | null {
  const [first = '', ...rest] = text.split('\n');
  if (!/^\s*[1-9]\d*\s*$/.test(first)) return null;
  const facts = new Map(rest.map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1).trim()]));
  return {
    pid: Number(first), startTicks: facts.get('start-ticks') ?? null, bootId: facts.get('boot-id') ?? null, host: facts.get('host') ?? null,
    runId: facts.get('run') ?? '', startedAt: facts.get('since') ?? '',
  };
}

/** Whole or not at all, readable by everybody. Only the holder of the lock may call it. */
export async function writePidFile(path: string, owner: PidFile): Promise<void> {
  const part = `${path}.part`;
  try {
    const file = await open(part, 'w', 0o644);
    try {
      await file.chmod(0o644);
      await file.writeFile(formatPidFile(owner));
    } finally {
      await file.close();
    }
    await rename(part, path);
  } catch (error) {
    await unlink(part).catch(() => {});
    throw error;
  }
}

/** Null when there is none or it cannot be understood. */
export async function readPidFile(path: string): Promise<PidFile | null> {
  try {
    return parsePidFile(await readFile(path, 'utf8'));
  } catch {
    return null;
  }
}

/** True when the very process that wrote the file still runs here. Use it before signalling the pid of a pid file. */
export async function ownerIsAlive(owner: PidFile): Promise<boolean> {
  if (owner.bootId !== null && owner.bootId !== (await bootId())) return false;
  if (owner.startTicks !== null) return (await startTicksOf(owner.pid)) === owner.startTicks;
  try {
    process.kill(owner.pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}

/** Only the holder of the lock may call it. */
export function removePidFile(path: string): void {
  rmSync(path, { force: true });
}
