/** On-demand encodes in words. Pure. */
import type { LiveEvent, Stream } from '@reelay/contracts';
import { clock, span } from './format.ts';
import type { Word } from './words.ts';

type Head = Stream['heads'][number];

const STATE: Readonly<Record<Stream['state'], Word>> = {
  placing: { label: 'Finding a node', icon: 'clock', tone: 'grey' },
  open: { label: 'Encoding', icon: 'running', tone: 'yellow' },
  waiting: { label: 'No place', icon: 'warning', tone: 'red' },
  elsewhere: { label: 'Other gateway', icon: 'node', tone: 'grey' },
};
const SILENT: Word = { label: 'Gateway silent', icon: 'warning', tone: 'grey' };

/** One that has made all that its viewers may have for now is ahead, not encoding. */
export function stateOf({ state, kind, heads, unreachable }: Stream): Word {
  if (unreachable) return SILENT;
  if (state !== 'open') return STATE[state];
  if (kind === 'segments' && heads.every((head) => head.state === 'waiting' || head.state === 'ended')) return { label: 'Ahead', icon: 'check', tone: 'green' };
  return STATE.open;
}

/** "2 viewers on node-1, h264_nvenc". */
export function summaryOf({ viewers, nodeId, encoder }: Stream): string {
  const audience = viewers === 1 ? '1 viewer' : `${viewers} viewers`;
  return [nodeId === null ? audience : `${audience} on ${nodeId}`, encoder].filter((part) => part !== null).join(', ');
}

/** "360p from 1:04, now at 1:30, 3.1× real time, libx264". */
export function headOf({ renditionId, fromSeconds, nextSeconds, speed, encoder, state, detail }: Head): string {
  const name = renditionId.startsWith('h') ? `${renditionId.slice(1)}p` : `Sound ${Number(renditionId.slice(1)) + 1}`;
  return [
    `${name} from ${clock(fromSeconds)}`, `now at ${clock(nextSeconds)}`, state === 'waiting' ? 'ahead of its viewers' : null,
    speed === null ? null : `${speed.toFixed(1)}× real time`, encoder, detail,
  ].filter((part) => part !== null).join(', ');
}

/** "up 3 min, 41 segments made, 120 answered from the cache". */
export function workOf({ uptimeSeconds, segments, cacheHits }: Stream): string {
  return `up ${span(uptimeSeconds)}, ${segments} ${segments === 1 ? 'segment' : 'segments'} made, ${cacheHits} answered from the cache`;
}

/** The list after one of the events about streams. */
export function afterNews(list: readonly Stream[], news: Extract<LiveEvent, { event: 'stream' | 'streams' | 'stream-ended' }>): readonly Stream[] {
  if (news.event === 'streams') return news.data.data;
  if (news.event === 'stream-ended') return list.filter(({ id }) => id !== news.data.id);
  const { stream } = news.data;
  return list.some(({ id }) => id === stream.id) ? list.map((known) => (known.id === stream.id ? stream : known)) : [stream, ...list];
}
