import { type Cause, Ctx } from '@reelay/runtime';

/** What a request is about, as people who stop a gateway want to know it. */
export type RequestKind = 'api' | 'page' | 'stream' | 'file' | 'upload' | 'live' | 'agent';

const KINDS: readonly (readonly [RegExp, RequestKind])[] = [
  [/^\/(stream\/|api\/media\/videos\/[^/]+\/live\.mp4$)/, 'stream'],
  [/^\/api\/media\/(uploads|videos\/upload)(\/|$)/, 'upload'],
  [/^\/api\/media\/videos\/[^/]+\/(file|thumbnail)$/, 'file'],
  [/^\/api\/media\/(events$|jobs\/[^/]+\/log$)/, 'live'],
  [/^\/agent\//, 'agent'],
  [/^\/(api|metrics|healthz|readyz)(\/|$)/, 'api'],
];

export const kindOf = (path: string): RequestKind => KINDS.find(([pattern]) => pattern.test(path))?.[1] ?? 'page';

/**
 * The requests being worked on, each with a context of its own under one root. The root outlives the request to stop:
 * work in flight is ended at the deadline of the drain, not before.
 */
export class Requests {
  readonly #root = Ctx.root('requests');
  readonly #open = new Map<Ctx, RequestKind>();
  /** By Node's request object, for those who see sockets only. */
  readonly #byIncoming = new WeakMap<object, Ctx>();

  get size(): number {
    return this.#open.size;
  }

  /** A context that its caller ends, or cancels with the cause. Requests without Node's object, as tests make them, are not counted. */
  begin(name: string, kind: RequestKind, incoming?: object): Ctx {
    const ctx = this.#root.child(name);
    if (incoming === undefined) return ctx;
    this.#open.set(ctx, kind);
    ctx.onCancel(() => this.#open.delete(ctx));
    this.#byIncoming.set(incoming, ctx);
    return ctx;
  }

  of(incoming: object): Ctx | undefined {
    return this.#byIncoming.get(incoming);
  }

  /** How many of each kind are open; kinds without any are left out. */
  countByKind(): Partial<Record<RequestKind, number>> {
    const counts: Partial<Record<RequestKind, number>> = {};
    for (const kind of this.#open.values()) counts[kind] = (counts[kind] ?? 0) + 1;
    return counts;
  }

  /** Ends all that is open; what begins afterwards is over at once. */
  cancelAll(cause: Cause): void {
    this.#root.cancel(cause);
  }
}
