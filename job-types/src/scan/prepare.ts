import { scanParams } from '@reelay/contracts';
import type { HubJobType } from '../hub-types.ts';
import type { ScanOrder } from './result.ts';

export const prepareScan: HubJobType['prepare'] = async (_sql, job) => {
  const { directoryType, skipExisting, recursive } = scanParams.parse(job.params);
  const order: ScanOrder = { folder: `library/${directoryType}`, skipExisting, recursive, isPublic: false };
  return { inputs: [], outputs: [], mediaSeconds: null, order };
};
