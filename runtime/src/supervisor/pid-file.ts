import { readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { errorCode } from '../errors.ts';

const pidFileSchema = z.object({
  pid: z.number().int().positive(),
  /** Start time of the process in clock ticks since boot: tells it from a later one with the same pid. */
  startTicks: z.string().nullable(),
  bootId: z.string().nullable(),
  runId: z.string(),
  startedAt: z.string(),
});

/** Information only; the lock is elsewhere. */
export type PidFile = z.infer<typeof pidFileSchema>;

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

export async function writePidFile(path: string, runId: string, now: Date): Promise<void> {
  const content: PidFile = { pid: process.pid, startTicks: await startTicksOf(process.pid), bootId: await bootId(), runId, startedAt: now.toISOString() };
  const part = `${path}.${process.pid}`;
  await writeFile(part, `${JSON.stringify(content)}\n`);
  await rename(part, path);
}

/** Null when there is none or it cannot be understood. */
export async function readPidFile(path: string): Promise<PidFile | null> {
  try {
    const parsed = pidFileSchema.safeParse(JSON.parse(await readFile(path, 'utf8')));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** True when the very process that wrote the file still runs. Use it before signalling the pid of a pid file. */
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

export async function removePidFile(path: string): Promise<void> {
  const owner = await readPidFile(path);
  if (owner?.pid === process.pid) await unlink(path).catch(() => {});
}
