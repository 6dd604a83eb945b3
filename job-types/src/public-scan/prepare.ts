import { publicScanParams } from '@reelay/contracts';
import { normaliseLibraryPath, PathOutsideLibrary } from '@reelay/runtime';
import { type HubJobType, JobRefused } from '../hub-types.ts';
import type { ScanOrder } from '../scan/result.ts';

export const preparePublicScan: HubJobType['prepare'] = async (_sql, job) => {
  const { path, skipExisting } = publicScanParams.parse(job.params);
  try {
    const order: ScanOrder = { folder: normaliseLibraryPath(path), skipExisting, recursive: true, isPublic: true };
    return { inputs: [], outputs: [], mediaSeconds: null, order };
  } catch (error) {
    if (error instanceof PathOutsideLibrary) throw new JobRefused(error.code, error.message);
    throw error;
  }
};
