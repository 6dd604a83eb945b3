import { ClientQueue, type LeaveReason } from './client-queue.ts';
import { type Audience, audienceKey, hears, type HubEvent, type ProgressEvent, sseIdOnly, sseMoving, type StateEvent } from './events.ts';

export interface HubOptions {
  maxClients: number;
  maxBytesPerClient: number;
  /** A client that took nothing for this long while something waited is let go. */
  writeDeadlineMs: number;
  /** A stream ends after this time, whatever happens. */
  maxAgeMs: number;
  onLeave?: (client: HubClient, reason: LeaveReason) => void;
}

export interface HubClient {
  readonly audience: Audience;
  readonly queue: ClientQueue;
  readonly sinceMs: number;
  /** By what it was let in; null needs none. */
  readonly signIn: ListenerSignIn | null;
}

export interface ListenerSignIn {
  tokenId: string;
  role: string;
}

interface Frames {
  state: Uint8Array | null;
  progress: Uint8Array | null;
  progressEntries: ReadonlyMap<string, string>;
  ended: readonly string[];
}

const encoder = new TextEncoder();
const PING = encoder.encode(': ping\n\n');
/** The port must be closed by then. */
const SOONEST_RETRY_MS = 200;
/** 200 returning clients a second. */
const SPREAD_MS_PER_CLIENT = 5;
const MIN_SPREAD_MS = 1_000;
const MAX_SPREAD_MS = 15_000;

/**
 * All listening browsers: register, leave, broadcast, move. No method waits for anything, so nothing can come between
 * a look at the clients and a change of them.
 *
 * Events gather until the next `flush` (every 100 ms); then each audience's frame is made once and shared.
 */
export class Hub {
  readonly #options: HubOptions;
  /** A Set may lose members while it is walked. */
  readonly #clients = new Set<HubClient>();
  #states: StateEvent[] = [];
  #progress = new Map<string, ProgressEvent>();
  #flushedId: string | null = null;
  #stopped = false;
  readonly dropped: Record<LeaveReason, number> = { closed: 0, stalled: 0, overflow: 0, too_old: 0, signed_out: 0, stopping: 0 };

  constructor(options: HubOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#clients.size;
  }

  /** Id of the last event handed to the clients; what a new client has not missed. */
  get flushedId(): string | null {
    return this.#flushedId;
  }

  /** Where the stream of events begins. */
  startAt(id: string): void {
    this.#flushedId ??= id;
  }

  /** A new client, held until its queue is released; null when the hub is full or stopped. */
  register(audience: Audience, nowMs: number, signIn: ListenerSignIn | null = null): HubClient | null {
    if (this.#stopped || this.#clients.size >= this.#options.maxClients) return null;
    const client: HubClient = { audience, queue: new ClientQueue({ maxBytes: this.#options.maxBytesPerClient }), sinceMs: nowMs, signIn };
    this.#clients.add(client);
    return client;
  }

  /** Lets a client go; a second time, or after `move`, does nothing. */
  leave(client: HubClient, reason: LeaveReason): void {
    if (!this.#clients.delete(client)) return;
    this.dropped[reason] += 1;
    client.queue.leave(reason);
    this.#options.onLeave?.(client, reason);
  }

  /** Ids of all sign-ins by which somebody listens. */
  tokenIds(): string[] {
    return [...new Set([...this.#clients].flatMap(({ signIn }) => (signIn === null ? [] : [signIn.tokenId])))];
  }

  /** Lets go of those asked about whose sign-in is over, or has another role now. `roles` by token id. */
  keepSignedIn(asked: ReadonlySet<string>, roles: ReadonlyMap<string, string>): void {
    for (const client of this.#clients) {
      const { signIn } = client;
      if (signIn !== null && asked.has(signIn.tokenId) && roles.get(signIn.tokenId) !== signIn.role) this.leave(client, 'signed_out');
    }
  }

  broadcast(event: HubEvent): void {
    if (this.#stopped) return;
    if (event.kind === 'state') {
      this.#states.push(event);
      if (event.ends !== undefined) this.#progress.delete(event.ends);
    } else this.#progress.set(event.key, event);
  }

  /** Hands what has gathered to the clients, and lets go of those that do not read. */
  flush(nowMs: number): void {
    const states = this.#states;
    const progress = [...this.#progress.values()];
    this.#states = [];
    this.#progress = new Map();
    const lastId = states.at(-1)?.id;
    if (lastId !== undefined) this.#flushedId = lastId;
    const shared = new Map<string, Frames>();
    for (const client of this.#clients) {
      const overdue = this.#overdue(client, nowMs);
      if (overdue !== null) {
        this.leave(client, overdue);
        continue;
      }
      if (states.length === 0 && progress.length === 0) continue;
      const key = audienceKey(client.audience);
      let frames = shared.get(key);
      if (frames === undefined) {
        frames = framesFor(client.audience, states, progress);
        shared.set(key, frames);
      }
      this.#hand(client, frames, nowMs);
    }
  }

  /** Keeps idle connections open through proxies, and finds dead ones. */
  ping(nowMs: number): void {
    for (const client of this.#clients) {
      if (client.queue.waitingSinceMs === undefined && !client.queue.push(PING, nowMs)) this.leave(client, 'overflow');
    }
  }

  /**
   * Sends everybody elsewhere: what waits for them, then `moving` with a time to come back that is spread by `random`
   * (0–1), so that they do not all come at once. Afterwards nobody is let in.
   */
  move(random: () => number): void {
    this.#stopped = true;
    const spreadMs = Math.min(MAX_SPREAD_MS, Math.max(MIN_SPREAD_MS, this.#clients.size * SPREAD_MS_PER_CLIENT));
    for (const client of this.#clients) {
      this.#clients.delete(client);
      this.dropped.stopping += 1;
      client.queue.finish(encoder.encode(sseMoving(Math.round(SOONEST_RETRY_MS + random() * spreadMs))));
      this.#options.onLeave?.(client, 'stopping');
    }
  }

  #overdue(client: HubClient, nowMs: number): LeaveReason | null {
    const { waitingSinceMs } = client.queue;
    if (waitingSinceMs !== undefined && nowMs - waitingSinceMs > this.#options.writeDeadlineMs) return 'stalled';
    return nowMs - client.sinceMs > this.#options.maxAgeMs ? 'too_old' : null;
  }

  #hand(client: HubClient, frames: Frames, nowMs: number): void {
    for (const key of frames.ended) client.queue.forget(key);
    if (frames.state !== null && !client.queue.push(frames.state, nowMs)) {
      this.leave(client, 'overflow');
      return;
    }
    if (frames.progress !== null && !client.queue.pushLatest(frames.progress, frames.progressEntries, nowMs)) this.leave(client, 'overflow');
  }
}

/** The events of one round as this audience hears them. Everybody gets the newest id, so that a resume starts late. */
const framesFor = (audience: Audience, states: readonly StateEvent[], progress: readonly ProgressEvent[]): Frames => {
  const heard = states.filter((event) => hears(audience, event));
  const last = states.at(-1);
  const tail = last !== undefined && heard.at(-1) !== last ? sseIdOnly(last.id) : '';
  const stateText = heard.map((event) => event.text).join('') + tail;
  const progressEntries = new Map(progress.filter((event) => hears(audience, event)).map((event) => [event.key, event.text]));
  const progressText = [...progressEntries.values()].join('');
  return {
    state: stateText === '' ? null : encoder.encode(stateText),
    progress: progressText === '' ? null : encoder.encode(progressText),
    progressEntries,
    ended: heard.flatMap(({ ends }) => ends ?? []),
  };
};
