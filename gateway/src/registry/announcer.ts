import {
  endStreamOrderSchema, type EndStreamReply, listStreamsSchema, type ListStreamsReply, MAX_STREAMS_BYTES, PROTOCOL_VERSION, type Stream, type StreamEnd, type StreamNews, streamNewsSchema, subjects,
} from '@reelay/contracts';
import { type Clock, type Ctx, errorCode, Finished, KilledByHand, type Service } from '@reelay/runtime';
import type { Bus, BusSubscription } from '@reelay/runtime/bus';
import { type StreamDirectory, fingerprint } from './directory.ts';
import type { StreamJournal } from './journal.ts';

interface AnnouncerOptions {
  bus: Bus;
  clock: Clock;
  directory: StreamDirectory;
  journal: StreamJournal;
  gateway: { id: string; name: string };
  /** This gateway's own, as they are now. */
  list: () => Stream[];
  /** Ends one of them by hand. */
  end: (id: string, by: string) => Promise<Stream | null>;
}

const NEWS_MS = 1_000;
/** So often all are told again, should a message have been lost. */
const ALL_EVERY = 10;

/** Tells the directory and the other gateways what this one has, once a second, openings and ends at once; answers what they ask. */
export class StreamAnnouncer implements Service {
  readonly name = 'stream announcer';
  readonly #options: AnnouncerOptions;
  readonly #told = new Map<string, string>();
  #subscriptions: BusSubscription[] = [];
  #endTimer: (() => void) | undefined;
  #round = 0;
  #tellAll = true;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
  }

  async start(_ctx: Ctx): Promise<void> {
    const { bus, clock, directory, gateway, list, end } = this.#options;
    this.#subscriptions = [
      bus.subscribe(subjects.streams, streamNewsSchema, (news) => {
        // A newcomer knows nobody yet.
        if (news.gatewayId !== gateway.id && directory.heard(news, clock.monotonicMs())) this.#tellAll = true;
      }),
      bus.serve(subjects.gateway(gateway.id, 'streams'), {}, listStreamsSchema, (): ListStreamsReply => ({ ok: true, streams: fitting(list())[0] ?? [] })),
      bus.serve(subjects.gateway(gateway.id, 'end-stream'), {}, endStreamOrderSchema, async ({ streamId, by }): Promise<EndStreamReply> => ({ ok: true, ended: await end(streamId, by) })),
    ];
    this.#endTimer = clock.every(NEWS_MS, () => this.#tell());
    this.#tell();
  }

  async stop(): Promise<void> {
    this.#endTimer?.();
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
  }

  opened(stream: Stream): void {
    this.#options.journal.opened(stream);
    this.#say({ streams: [stream] });
  }

  /** One of this gateway, or one that it ended for another. */
  ended({ id, kind, videoId, gateway }: Stream, cause: Error): void {
    const { journal, directory } = this.#options;
    const end: StreamEnd = {
      id, kind, videoId, gateway, code: errorCode(cause) ?? 'internal', cause: cause instanceof Finished ? 'it was over' : cause.message,
      by: cause instanceof KilledByHand ? String(cause.fields['by']) : null,
    };
    this.#told.delete(id);
    directory.forget(id);
    this.#say({ ended: [id] });
    journal.ended(end);
  }

  #tell(): void {
    const { clock, directory, list, bus } = this.#options;
    directory.sweep(clock.monotonicMs(), bus.isConnected);
    const all = list();
    this.#round += 1;
    const isWhole = this.#tellAll || this.#round % ALL_EVERY === 0;
    this.#tellAll = false;
    const changed = all.filter((view) => isWhole || this.#told.get(view.id) !== fingerprint(view));
    const ids = isWhole ? all.map(({ id }) => id) : null;
    const parts = fitting(changed);
    for (const streams of parts.length === 0 ? [[]] : parts) this.#say({ streams, all: ids });
  }

  #say({ streams = [], ended = [], all = null }: Partial<Pick<StreamNews, 'streams' | 'ended' | 'all'>>): void {
    const { bus, clock, directory, gateway } = this.#options;
    for (const view of streams) this.#told.set(view.id, fingerprint(view));
    const news: StreamNews = { v: PROTOCOL_VERSION, gatewayId: gateway.id, gateway: gateway.name, streams, ended, all };
    directory.heard(news, clock.monotonicMs());
    try {
      bus.publish(subjects.streams, news);
    } catch {
      // Closing: the others notice the silence.
    }
  }
}

/** In parts that fit into one message each. */
const fitting = (streams: readonly Stream[]): Stream[][] => {
  const parts: Stream[][] = [];
  let bytes = MAX_STREAMS_BYTES;
  for (const stream of streams) {
    const size = Buffer.byteLength(JSON.stringify(stream));
    if (bytes + size > MAX_STREAMS_BYTES) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(stream);
    bytes += size;
  }
  return parts;
};
