import type { Stream, StreamEnd, StreamNews } from '@reelay/contracts';

export interface DirectoryEvents {
  onStream(stream: Stream): void;
  /** Of a gateway that is gone; the others tell of their ends themselves. */
  onLost(end: StreamEnd): void;
}

export interface KnownGateway {
  readonly id: string;
  readonly name: string;
  readonly isSilent: boolean;
}

interface Gateway {
  readonly id: string;
  readonly name: string;
  heardMs: number;
  silent: boolean;
  readonly streams: Map<string, { view: Stream; print: string }>;
}

/** News comes every second. */
const SILENT_MS = 3_000;
/** Its nodes end what they make for a gateway after 6 s of silence. */
const LOST_MS = 15_000;
/** A sweep that comes later than this: it is this gateway that stood still. */
const LATE_MS = 2_500;

/**
 * The streams of all gateways, as they were last heard. Pure.
 *
 *   (news) ──▶ heard ──3 s without news──▶ silent (its streams are marked) ──15 s──▶ lost (its streams have ended)
 *                ▲────────── news ───────────┘
 */
export class StreamDirectory {
  readonly #ownId: string;
  readonly #events: DirectoryEvents;
  readonly #gateways = new Map<string, Gateway>();
  #sweptMs: number | null = null;

  constructor(ownId: string, events: DirectoryEvents) {
    this.#ownId = ownId;
    this.#events = events;
  }

  /** What a gateway says, this one included. True when it was not known before. */
  heard(news: Pick<StreamNews, 'gatewayId' | 'gateway' | 'streams' | 'ended' | 'all'>, nowMs: number): boolean {
    const known = this.#gateways.get(news.gatewayId);
    const gateway = known ?? { id: news.gatewayId, name: news.gateway, heardMs: nowMs, silent: false, streams: new Map() };
    this.#gateways.set(gateway.id, gateway);
    gateway.heardMs = nowMs;
    const wasSilent = gateway.silent;
    gateway.silent = false;
    for (const id of news.ended) this.forget(id);
    if (news.all !== null) {
      const all = new Set(news.all);
      for (const id of gateway.streams.keys()) if (!all.has(id)) gateway.streams.delete(id);
    }
    for (const view of news.streams) this.#put(gateway, view);
    if (wasSilent) for (const { view } of gateway.streams.values()) this.#put(gateway, { ...view, unreachable: false });
    return known === undefined;
  }

  /** Looks who is silent. `canHear`: whether there is a connection at all; without one nobody is given up. */
  sweep(nowMs: number, canHear: boolean): void {
    const late = this.#sweptMs !== null && nowMs - this.#sweptMs > LATE_MS;
    this.#sweptMs = nowMs;
    for (const gateway of this.#gateways.values()) {
      if (gateway.id === this.#ownId) continue;
      if (late) gateway.heardMs = nowMs;
      const silentMs = nowMs - gateway.heardMs;
      if (silentMs >= SILENT_MS && !gateway.silent) {
        gateway.silent = true;
        for (const { view } of gateway.streams.values()) this.#put(gateway, { ...view, unreachable: true });
      }
      if (silentMs >= LOST_MS && canHear) this.#lose(gateway);
    }
  }

  get(id: string): Stream | undefined {
    for (const { streams } of this.#gateways.values()) {
      const found = streams.get(id);
      if (found !== undefined) return found.view;
    }
    return undefined;
  }

  /** Whose stream it is, if another gateway's. */
  ownerOf(id: string): KnownGateway | null {
    const owner = [...this.#gateways.values()].find((gateway) => gateway.id !== this.#ownId && gateway.streams.has(id));
    return owner === undefined ? null : { id: owner.id, name: owner.name, isSilent: owner.silent };
  }

  /** It was ended without its gateway. */
  forget(id: string): void {
    for (const { streams } of this.#gateways.values()) streams.delete(id);
  }

  /** All there are, newest first within each gateway, this one's first. */
  all(): Stream[] {
    const own = this.#gateways.get(this.#ownId);
    return [own, ...this.#gateways.values()].flatMap((gateway, i) => (gateway === undefined || (i > 0 && gateway === own) ? [] : viewsOf(gateway)));
  }

  others(): KnownGateway[] {
    return [...this.#gateways.values()].filter(({ id }) => id !== this.#ownId).map(({ id, name, silent }) => ({ id, name, isSilent: silent }));
  }

  /** Those of a gateway that does not answer now. */
  lastHeardOf(gatewayId: string): Stream[] {
    const gateway = this.#gateways.get(gatewayId);
    const views: Stream[] = [];
    for (const view of gateway === undefined ? [] : viewsOf(gateway)) views.push({ ...view, unreachable: true });
    return views;
  }

  #put(gateway: Gateway, view: Stream): void {
    const print = fingerprint(view);
    const known = gateway.streams.get(view.id);
    gateway.streams.set(view.id, { view, print });
    if (known?.print !== print) this.#events.onStream(view);
  }

  #lose(gateway: Gateway): void {
    this.#gateways.delete(gateway.id);
    for (const { view: { id, kind, videoId } } of gateway.streams.values()) {
      this.#events.onLost({ id, kind, videoId, gateway: gateway.name, code: 'gateway_lost', cause: `gateway ${gateway.name} does not answer any more`, by: null });
    }
  }
}

const viewsOf = ({ streams }: Gateway): Stream[] => [...streams.values()].map(({ view }) => view).toReversed();

/** Two views with the same one show the same, but for the time that passed. */
export const fingerprint = ({ uptimeSeconds: _uptime, idleSeconds: _idle, heads, ...rest }: Stream): string =>
  JSON.stringify([rest, heads.map(({ uptimeSeconds: _headUptime, until: _until, ...head }) => head)]);
