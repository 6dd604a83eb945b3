import { type LiveEvent, type Stream, type StreamEnd, streamEndSchema } from '@reelay/contracts';
import { findVideosByIds, type OutboxCursor, type OutboxEvent, readJobViews, readNodes, type Sql, toJob, toVideo } from '@reelay/store';
import { type StateEvent, sseText } from './events.ts';
import type { LiveJobs } from './live-jobs.ts';

export const cursorText = ({ xid, id }: OutboxCursor): string => `${xid}.${id}`;

const CURSOR = /^(\d{1,19})\.(\d{1,15})$/;
/** A resume id as a place in the outbox; null when it cannot be one. */
export const parseCursor = (text: string): OutboxCursor | null => {
  const found = CURSOR.exec(text);
  return found ? { xid: found[1] ?? '0', id: Number(found[2]) } : null;
};

/** Whether `a` comes after `b` in the outbox. */
export const isAfter = (a: OutboxCursor, b: OutboxCursor): boolean => {
  const [xidA, xidB] = [BigInt(a.xid), BigInt(b.xid)];
  return xidA > xidB || (xidA === xidB && a.id > b.id);
};

const idsOf = (events: readonly OutboxEvent[], topic: OutboxEvent['topic']): string[] =>
  [...new Set(events.filter((event) => event.topic === topic).map((event) => event.entityId))];

/** What outbox rows are rendered from, beside the database. */
export interface Known {
  live: LiveJobs;
  /** A stream as it was last heard. */
  stream: (id: string) => Stream | undefined;
}

/** Key of a stream's coalesced events. */
export const streamKey = (id: string): string => `stream ${id}`;

/** Outbox rows as live events with the objects as they are now, read in one query per topic. */
export const renderEvents = async (sql: Sql, { live, stream }: Known, events: readonly OutboxEvent[], now: Date): Promise<StateEvent[]> => {
  const [views, videoRows, nodes] = await Promise.all([
    readJobViews(sql, idsOf(events, 'jobs')),
    findVideosByIds(sql, idsOf(events, 'videos')),
    events.some((event) => event.topic === 'nodes') ? readNodes(sql, idsOf(events, 'nodes')) : [],
  ]);
  for (const view of views) live.note(view);
  const jobs = new Map(views.map((view) => [view.id, toJob(view, { ...view, live: live.get(view.id) }, now)]));
  const videos = new Map(videoRows.map((row) => [row.id, toVideo(row)]));
  const nodesById = new Map(nodes.map((node) => [node.id, node]));

  return events.flatMap((row): StateEvent[] => {
    const id = cursorText(row);
    const state = (topic: StateEvent['topic'], owner: string | null, event: LiveEvent): StateEvent[] =>
      [{ kind: 'state', topic, owner, id, text: sseText(event, id) }];
    if (row.topic === 'jobs') {
      const job = jobs.get(row.entityId);
      return job === undefined ? [] : state('jobs', job.createdBy, { event: 'job', data: { job, change: row.event } });
    }
    if (row.topic === 'videos') {
      const video = videos.get(row.entityId);
      return state('videos', null, video === undefined
        ? { event: 'video-deleted', data: { id: row.entityId } }
        : { event: 'video', data: { video, change: row.event } });
    }
    if (row.topic === 'nodes') {
      const node = nodesById.get(row.entityId);
      return node === undefined ? [] : state('nodes', null, { event: 'node', data: { node, change: row.event } });
    }
    if (row.topic === 'streams') {
      const ended = row.event === 'ended' ? endOf(row.detail) : null;
      if (ended !== null) return [{ kind: 'state', topic: 'streams', owner: null, id, text: sseText({ event: 'stream-ended', data: ended }, id), ends: streamKey(ended.id) }];
      const opened = stream(row.entityId);
      return opened === undefined ? [] : state('streams', null, { event: 'stream', data: { stream: opened, change: row.event } });
    }
    return [];
  });
};

const endOf = (detail: string | null): StreamEnd | null => {
  try {
    return streamEndSchema.parse(JSON.parse(detail ?? ''));
  } catch {
    // Of another version.
    return null;
  }
};
