import { startSecondsOf, type Stream } from '@reelay/contracts';
import type { VideoRow } from '@reelay/store';
import type { PlannedVideo } from './encoded-streams.ts';
import type { HeadRecord } from './head-table.ts';
import type { PipeOrder } from './live-pipe.ts';

export interface StreamFacts {
  id: string;
  video: VideoRow;
  planned: PlannedVideo;
  state: 'unplaced' | 'placing' | 'open' | 'closed';
  gateway: string;
  node: { id: string; nodeId: string; deviceId: string } | null;
  heads: readonly HeadRecord[];
  nowMs: number;
  viewers: number;
  startedMs: number;
  askedMs: number;
  segments: number;
  cacheHits: number;
  detail: string | null;
}

const seconds = (ms: number): number => Math.round(ms / 100) / 10;

/** As the API shows it. */
export const streamView = (facts: StreamFacts): Stream => {
  const { id, video, planned: { stream }, state, gateway, node, heads, nowMs, viewers, startedMs, askedMs, segments, cacheHits, detail } = facts;
  const secondsOf = (renditionId: string, n: number): number => {
    const rendition = stream.renditions.find((candidate) => candidate.id === renditionId);
    return rendition === undefined ? 0 : startSecondsOf(rendition.recipe.grid, n);
  };
  return {
    id, kind: 'segments', videoId: video.id, videoTitle: video.title, version: stream.version, gateway, viewers, segments, cacheHits, detail,
    state: state === 'open' ? 'open' : state === 'placing' ? 'placing' : 'waiting',
    unreachable: false, sessionId: node?.id ?? null, nodeId: node?.nodeId ?? null, deviceId: node?.deviceId ?? null,
    encoder: heads.map(({ report }) => report?.encoder ?? null).find((encoder) => encoder !== null && encoder !== 'aac') ?? null,
    uptimeSeconds: seconds(nowMs - startedMs), idleSeconds: seconds(nowMs - askedMs),
    heads: heads.map((head) => ({
      id: head.id, renditionId: head.renditionId, state: head.report?.state ?? 'starting', from: head.from, next: head.next, until: head.until,
      fromSeconds: secondsOf(head.renditionId, head.from), nextSeconds: secondsOf(head.renditionId, head.next),
      pid: head.report?.pid ?? null, encoder: head.report?.encoder ?? null, fps: head.report?.fps ?? null, speed: head.report?.speed ?? null,
      uptimeSeconds: seconds(nowMs - head.startedMs), detail: head.report?.detail ?? null,
    })),
  };
};

/** A live film, as the API shows it. */
export const pipeView = (facts: { id: string; order: PipeOrder; gateway: string; node: { id: string; nodeId: string; deviceId: string } | null; isSending: boolean; uptimeMs: number }): Stream => {
  const { id, order: { video, planned }, gateway, node, isSending, uptimeMs } = facts;
  return {
    id, kind: 'pipe', videoId: video.id, videoTitle: video.title, version: planned.stream.version, gateway, viewers: 1, segments: 0, cacheHits: 0, detail: null,
    state: isSending ? 'open' : 'placing', unreachable: false, sessionId: node?.id ?? null, nodeId: node?.nodeId ?? null, deviceId: node?.deviceId ?? null, encoder: null,
    uptimeSeconds: seconds(uptimeMs), idleSeconds: 0, heads: [],
  };
};
