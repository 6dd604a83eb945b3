import type { EventTopic, LiveEvent } from '@reelay/contracts';

/** A change of state: must reach everybody it is for, and carries the id to resume from. */
export interface StateEvent {
  kind: 'state';
  topic: EventTopic;
  /** User whose job it is; only jobs have owners. */
  owner: string | null;
  id: string;
  text: string;
  /** Progress of this key that still waits must not come after it. */
  ends?: string;
}

/** Progress: only the latest of a key counts, so it carries no resume id. */
export interface ProgressEvent {
  kind: 'progress';
  topic: EventTopic;
  owner: string | null;
  key: string;
  text: string;
}

export type HubEvent = StateEvent | ProgressEvent;

/** What a client may and wants to hear. Clients with equal audiences share their frames. */
export interface Audience {
  topics: readonly EventTopic[];
  /** Of the jobs: all of them, or those of `username`. */
  jobs: 'all' | 'own';
  username: string;
}

export const audienceKey = (audience: Audience): string =>
  `${audience.topics.toSorted().join(',')}|${audience.jobs === 'all' ? '*' : `=${audience.username}`}`;

export const hears = (audience: Audience, event: HubEvent): boolean =>
  audience.topics.includes(event.topic) && (event.topic !== 'jobs' || audience.jobs === 'all' || event.owner === audience.username);

/** One event in the text form of SSE. JSON has no line breaks, so one data line is enough. */
export const sseText = (event: LiveEvent, id?: string): string =>
  `event: ${event.event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(event.data)}\n\n`;

/** The last words of a stream: come back in `retryMs`. `retry` also tells browsers that know no `moving`. */
export const sseMoving = (retryMs: number): string => `retry: ${retryMs}\n${sseText({ event: 'moving', data: { retryMs } })}`;

/** Moves a client's resume id without telling it anything. */
export const sseIdOnly = (id: string): string => `id: ${id}\n\n`;
