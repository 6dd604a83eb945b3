import type { FileHolder as HolderView } from '@reelay/contracts';
import { type FileHolder, holderWords } from '@reelay/store';

export const holderId = (holder: FileHolder): string => {
  switch (holder.kind) {
    case 'gateway': return holder.gatewayId;
    case 'job': return holder.jobId;
    case 'writer': break;
  }
  return String(holder.ticket);
};

/** As the API shows it. */
export const toHolderView = (holder: FileHolder): HolderView => ({
  kind: holder.kind, mode: holder.kind === 'writer' ? 'write' : 'read', text: holderWords(holder), id: holderId(holder),
  since: holder.since.toISOString(), until: holder.until.toISOString(),
});
