/** The streams of all gateways: asked of each, with what is known of those that do not answer; and ended, wherever they are. */
import { type EndStreamOrder, endStreamReplySchema, listStreamsReplySchema, PROTOCOL_VERSION, type Stream, subjects } from '@reelay/contracts';
import { type Clock, KilledByHand } from '@reelay/runtime';
import type { Bus } from '@reelay/runtime/bus';
import { findVideosByIds, readSessions, type SessionRow, type Sql } from '@reelay/store';
import { endAtNode } from '../sessions/earlier-run.ts';
import type { KnownGateway, StreamDirectory } from './directory.ts';

interface AllStreamsOptions {
  bus: Bus;
  sql: Sql;
  clock: Clock;
  directory: StreamDirectory;
  gatewayId: string;
  list: () => Stream[];
  end: (id: string, by: string) => Promise<Stream | null>;
  /** Called for one of another gateway that was ended at its node. */
  ended: (stream: Stream, cause: KilledByHand) => void;
}

/** A list must not wait for a gateway that stands still. */
const LIST_MS = 200;
/** It tells the node and waits for its answer, up to a second. */
const END_MS = 2_500;

type Ended = Pick<Stream, 'id' | 'videoId'>;

export class AllStreams {
  readonly #options: AllStreamsOptions;

  constructor(options: AllStreamsOptions) {
    this.#options = options;
  }

  /** Newest first within each gateway, this one's first. */
  async list(): Promise<Stream[]> {
    const { directory, gatewayId, list, sql } = this.#options;
    const rows = await readSessions(sql);
    const others = directory.others();
    const silent = new Set(others.filter(({ isSilent }) => isSilent).map(({ id }) => id));
    const ids = new Set([...others.map(({ id }) => id), ...rows.map((row) => row.gatewayId).filter((id) => id !== gatewayId)]);
    const heard = await this.#askAll([...ids].filter((id) => !silent.has(id)));
    const unheard = [...ids].filter((id) => (heard.get(id) ?? null) === null);
    const lastHeard = unheard.flatMap((id) => directory.lastHeardOf(id));
    const known = new Set(lastHeard.map(({ sessionId }) => sessionId));
    const nameless = rows.filter((row) => unheard.includes(row.gatewayId) && !known.has(row.id));
    return [...list().toReversed(), ...[...heard.values()].flatMap((streams) => streams?.toReversed() ?? []), ...lastHeard, ...(await this.#viewsOf(nameless))];
  }

  /** Ends one by hand, also one of another gateway, also of one that does not answer. Null when there is none with that id. */
  async end(id: string, by: string): Promise<Ended | null> {
    const { directory, end, ended } = this.#options;
    const own = await end(id, by);
    if (own !== null) return own;
    const owner = directory.ownerOf(id);
    const asked = owner === null ? directory.others().filter(({ isSilent }) => !isSilent) : [owner];
    const answers = await Promise.all(asked.map((gateway) => this.#endThere(gateway, id, by)));
    const there = answers.find((answer) => answer !== null);
    if (there !== undefined) return there;
    const view = directory.get(id);
    const atNode = await this.#endAtNode(view?.sessionId ?? id, by);
    if (atNode === null) return null;
    if (view !== undefined) ended(view, new KilledByHand(by));
    return { id, videoId: atNode.videoId };
  }

  /** By gateway; null for one that did not answer. */
  async #askAll(ids: readonly string[]): Promise<Map<string, Stream[] | null>> {
    const { bus } = this.#options;
    return new Map(await Promise.all(ids.map(async (id) => {
      const reply = await bus.request(subjects.gateway(id, 'streams'), { v: PROTOCOL_VERSION }, { timeoutMs: LIST_MS, schema: listStreamsReplySchema }).catch(() => null);
      return [id, reply?.streams ?? null] as const;
    })));
  }

  /** One that is silent hears of it when it comes to itself again. */
  async #endThere({ id, isSilent }: KnownGateway, streamId: string, by: string): Promise<Stream | null> {
    const { bus } = this.#options;
    const order: EndStreamOrder = { v: PROTOCOL_VERSION, streamId, by };
    const reply = await bus.request(subjects.gateway(id, 'end-stream'), order, { timeoutMs: isSilent ? LIST_MS : END_MS, schema: endStreamReplySchema }).catch(() => null);
    return reply?.ended ?? null;
  }

  /** Its gateway says nothing, its node may: what runs there ends, and the place is given back. */
  async #endAtNode(sessionId: string, by: string): Promise<SessionRow | null> {
    const { sql, bus, gatewayId } = this.#options;
    const row = (await readSessions(sql)).find((session) => session.id === sessionId && session.gatewayId !== gatewayId);
    if (row !== undefined) await endAtNode(bus, row, `ended by hand by ${by}`);
    return row ?? null;
  }

  async #viewsOf(rows: readonly SessionRow[]): Promise<Stream[]> {
    const { sql, clock } = this.#options;
    if (rows.length === 0) return [];
    const titles = new Map((await findVideosByIds(sql, rows.map(({ videoId }) => videoId))).map(({ id, title }) => [id, title]));
    return rows.map((row) => viewOf(row, titles.get(row.videoId) ?? null, clock.now().getTime()));
  }
}

const viewOf = ({ id, videoId, version, gatewayId, nodeId, deviceId, startedAt }: SessionRow, videoTitle: string | null, nowMs: number): Stream => ({
  id, kind: 'segments', videoId, videoTitle, version, state: 'elsewhere', gateway: gatewayId, unreachable: true, sessionId: id, nodeId, deviceId, encoder: null, viewers: 0,
  uptimeSeconds: Math.max(0, Math.round((nowMs - startedAt.getTime()) / 1000)), idleSeconds: 0, heads: [], segments: 0, cacheHits: 0, detail: null,
});
