import { endSessionSchema, type PlaceSession, placeSessionSchema, type PlaceSessionReply, SCHEDULER_GROUP, subjects } from '@reelay/contracts';
import type { Logger, Service } from '@reelay/runtime';
import type { BusSubscription } from '@reelay/runtime/bus';
import { bookSession, endSession, readQueueView } from '@reelay/store';
import type { Deps } from '../deps.ts';
import { placeSession } from '../placement/session.ts';

/** When a viewer who finds no place should ask again. */
const RETRY_SECONDS = 5;

/** Gives gateways places for on-demand transcodes. Any scheduler may: what is booked is guarded by the node's row. */
export class SessionDesk implements Service {
  readonly name = 'session desk';
  readonly #deps: Deps;
  readonly #logger: Logger;
  #subscriptions: BusSubscription[] = [];

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#logger = deps.logger.child({ part: 'sessions' });
  }

  async start(): Promise<void> {
    const { bus, sql } = this.#deps;
    const shared = { queue: SCHEDULER_GROUP };
    this.#subscriptions = [
      bus.serve(subjects.sessionPlace, shared, placeSessionSchema, (message) => this.place(message)),
      bus.serve(subjects.sessionEnd, shared, endSessionSchema, async ({ sessionId, reason }) => {
        await endSession(sql, sessionId);
        this.#logger.info({ sessionId, reason }, 'session ended');
        return { ok: true };
      }),
    ];
  }

  async stop(): Promise<void> {
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
  }

  async place({ sessionId, videoId, version, gatewayId, vramMb, excludeNodes }: PlaceSession): Promise<PlaceSessionReply> {
    const { sql, timing, fleetLimit } = this.#deps;
    const terms = { leaseMs: timing.leaseMs, fleetLimit: fleetLimit() };
    const { fleet } = await readQueueView(sql, 0);
    const verdict = placeSession({ vramMb, excludeNodes }, fleet);
    const candidates = verdict.kind === 'places' ? verdict.candidates : [];
    for (const candidate of candidates) {
      const booking = await bookSession(sql, { id: sessionId, videoId, version, gatewayId, ...candidate }, terms);
      if (booking === 'limit') return this.#refuse({ sessionId, videoId, reason: `All nodes together encode ${terms.fleetLimit} ${terms.fleetLimit === 1 ? 'video' : 'videos'} at a time for those who watch, and no place is free.` });
      if (booking === 'taken') continue;
      this.#logger.info({ sessionId, videoId, gatewayId, nodeId: candidate.nodeId, deviceId: candidate.deviceId }, 'session placed');
      const { nodeId, incarnation, deviceId } = candidate;
      return { ok: true, place: { nodeId, incarnation, deviceId, leaseMs: terms.leaseMs }, reason: null, retryAfterSeconds: null };
    }
    return this.#refuse({ sessionId, videoId, reason: verdict.kind === 'none' ? verdict.reason : 'The last free place was taken just now.' });
  }

  #refuse({ sessionId, videoId, reason }: { sessionId: string; videoId: string; reason: string }): PlaceSessionReply {
    this.#logger.info({ sessionId, videoId, reason }, 'no place for a session');
    return { ok: true, place: null, reason, retryAfterSeconds: RETRY_SECONDS };
  }
}
