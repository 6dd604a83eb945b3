/** Who uses a file, in words. Pure. */
import type { FileHolder, GatewayHolder, JobHolder, WriteHolder } from './holders.ts';

const plural = (n: number, one: string): string => `${n} ${one}${n === 1 ? '' : 's'}`;
const joined = (parts: readonly string[]): string => (parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1) ?? ''}`);

const gatewayWords = ({ gatewayName, streams, downloads, sessions }: GatewayHolder): string => {
  const parts = [
    ...(streams > 0 ? [`played by ${plural(streams, 'viewer')}`] : []),
    ...(downloads > 0 ? [`fetched by ${plural(downloads, 'client')}`] : []),
    ...(sessions > 0 ? [`transcoded for ${plural(sessions, 'session')}`] : []),
  ];
  return `${parts.length === 0 ? 'played' : joined(parts)} on gateway ${gatewayName}`;
};

const jobWords = ({ type, jobId, status, progress }: JobHolder): string => {
  const how = status === 'queued' ? 'about to start' : `${progress} % done${status === 'paused' ? ', paused' : ''}`;
  return `read by the ${type} job ${jobId}, ${how}`;
};

const DOING = { rename: 'renamed', delete: 'deleted', restore: 'restored', move: 'moved', replace: 'replaced' } as const;
const writerWords = ({ state, action, actor, jobId }: WriteHolder): string => {
  const who = jobId === null ? actor : `the job ${jobId}`;
  return state === 'held' ? `being ${DOING[action]} by ${who}` : `waited for by ${who}, to be ${DOING[action]}`;
};

/** One holder: `played by 2 viewers on gateway a`. */
export const holderWords = (holder: FileHolder): string => {
  switch (holder.kind) {
    case 'gateway': return gatewayWords(holder);
    case 'job': return jobWords(holder);
    case 'writer': break;
  }
  return writerWords(holder);
};
