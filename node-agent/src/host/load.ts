import { statfs } from 'node:fs/promises';
import { cpus, freemem, loadavg, totalmem } from 'node:os';
import type { LoadReport } from '@reelay/contracts';

const MIB = 1024 * 1024;

/** How busy this host is, and how much room there is in `folder`, where outputs are written. */
export async function readLoad(folder: string): Promise<LoadReport> {
  return {
    load1: loadavg()[0] ?? 0,
    cpus: cpus().length,
    memoryFreeMb: Math.trunc(freemem() / MIB),
    memoryTotalMb: Math.trunc(totalmem() / MIB),
    diskFreeBytes: await freeBytes(folder),
  };
}

/** Bytes that an ordinary user may still write; null when the file system does not tell. */
async function freeBytes(folder: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return null;
  }
}
