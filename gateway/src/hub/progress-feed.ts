import { nodeIdOf, progressSchema, subjects } from '@reelay/contracts';
import { type Clock, type Ctx, type Logger, type Service, toError } from '@reelay/runtime';
import type { Bus, BusSubscription } from '@reelay/runtime/bus';
import { readJobViews, type Sql } from '@reelay/store';
import type { Hub } from './hub.ts';
import type { LiveJobs } from './live-jobs.ts';

export interface ProgressFeedOptions {
  sql: Sql;
  bus: Bus;
  hub: Hub;
  live: LiveJobs;
  clock: Clock;
  logger: Logger;
}

const FLUSH_MS = 100;
const PING_MS = 15_000;
const LOOKUP_MS = 500;

/** One NATS subscription feeds all browsers; it also keeps the hub's clock: flush, ping, and looking up unknown jobs. */
export class ProgressFeed implements Service {
  readonly name = 'progress feed';
  readonly #options: ProgressFeedOptions;
  readonly #timers: (() => void)[] = [];
  #subscription: BusSubscription | undefined;
  #lookup: Promise<void> | undefined;

  constructor(options: ProgressFeedOptions) {
    this.#options = options;
  }

  async start(_ctx: Ctx): Promise<void> {
    const { bus, hub, live, clock } = this.#options;
    this.#subscription = bus.subscribe(subjects.anyNode('progress'), progressSchema, (progress, { subject }) => {
      const nodeId = nodeIdOf(subject);
      const event = nodeId === null ? null : live.heard(nodeId, progress);
      if (event !== null) hub.broadcast(event);
    });
    this.#timers.push(
      clock.every(FLUSH_MS, () => hub.flush(clock.monotonicMs())),
      clock.every(PING_MS, () => hub.ping(clock.monotonicMs())),
      clock.every(LOOKUP_MS, () => {
        this.#lookup ??= this.#lookUp().finally(() => {
          this.#lookup = undefined;
        });
      }),
    );
  }

  async stop(): Promise<void> {
    this.#subscription?.unsubscribe();
    for (const end of this.#timers.splice(0)) end();
    await this.#lookup;
  }

  /** Jobs that ran before this gateway started: read once, then believed. */
  async #lookUp(): Promise<void> {
    const { sql, hub, live, logger } = this.#options;
    const asked = live.takeUnknown();
    if (asked.length === 0) return;
    try {
      for (const view of await readJobViews(sql, asked.map(({ jobId }) => jobId))) live.note(view);
    } catch (error) {
      logger.debug({ err: toError(error) }, 'running jobs not looked up');
      return;
    }
    for (const { nodeId, progress } of asked) {
      const event = live.heard(nodeId, progress);
      if (event !== null) hub.broadcast(event);
    }
    // What is still unknown is no job of ours; it is asked for again when its node speaks again.
    live.takeUnknown();
  }
}
