import { rm } from 'node:fs/promises';
import type { WorkOrder } from '@reelay/contracts';
import { LibraryRoot, parsePartName } from '@reelay/runtime';

/** Removes the part files an attempt may have left in the library. Only names that are this attempt's are touched. */
export async function removeParts(libraryRoot: string, order: WorkOrder): Promise<void> {
  const root = await LibraryRoot.open(libraryRoot);
  for (const output of order.outputs) {
    const part = parsePartName(output.partPath);
    if (part?.jobId !== order.jobId || part.epoch !== order.epoch) continue;
    await rm(await root.resolveForCreate(output.partPath), { force: true });
  }
}
