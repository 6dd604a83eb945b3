import {
  type EndSession, type HeadReport, type InputFile, type OpenSession, type PlaceSession, type PlaceSessionReply, placeSessionReplySchema, PROTOCOL_VERSION, type SessionReply, sessionReplySchema,
  type SessionRequest, type StartHead, type StartPipe, subjects,
} from '@reelay/contracts';
import { type Clock, errorCode, type Logger, type SigningKeys, toError } from '@reelay/runtime';
import type { Bus } from '@reelay/runtime/bus';
import { z } from 'zod';
import { NoPlace, SessionLost } from './errors.ts';
import type { PlannedVideo } from './encoded-streams.ts';

export interface NodeSessionDeps {
  readonly bus: Bus;
  readonly keys: SigningKeys;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly newId: () => string;
  readonly gateway: { id: string; name: string };
  /** Where nodes reach this very gateway; null: where they reach the hub anyway. */
  readonly gatewayUrl: string | null;
  /** Ends a stream that nobody asks for any more; false when there is none. */
  readonly makeRoom?: () => Promise<boolean>;
}

export interface SessionOrder {
  readonly videoId: string;
  readonly planned: PlannedVideo;
  /** The file as it is now, without its address. */
  readonly source: Omit<InputFile, 'url' | 'name'>;
  /** Nodes that failed with it just now. */
  readonly excludeNodes: readonly string[];
}

const PLACE_MS = 3_000;
const OPEN_MS = 4_000;
const HEAD_MS = 2_000;
const KEEP_MS = 1_500;
const CLOSE_MS = 1_000;
/** Longer than any film is watched; a session's end makes its addresses worthless anyway. */
const TOKEN_MS = 2 * 86_400_000;
/** Pictures of up to 4K in and out, for a few heads. */
const VRAM_MB = 1_500;
/** The bus's own troubles, which pass. */
const AGAIN_SECONDS = 2;

/** A place on a node, with the session that is open there. What is said over NATS about it is said here. */
export class NodeSession {
  readonly id: string;
  readonly nodeId: string;
  readonly deviceId: string;
  readonly #deps: NodeSessionDeps;
  #over = false;

  private constructor(deps: NodeSessionDeps, id: string, place: { nodeId: string; deviceId: string }) {
    this.#deps = deps;
    this.id = id;
    this.nodeId = place.nodeId;
    this.deviceId = place.deviceId;
  }

  /** Asks a scheduler for a place and opens the session there. @throws NoPlace */
  static async open(deps: NodeSessionDeps, order: SessionOrder): Promise<NodeSession> {
    const id = deps.newId();
    const answer = await askForPlace(deps, id, order);
    const { place, reason, retryAfterSeconds } = answer.place === null && (await deps.makeRoom?.()) === true ? await askForPlace(deps, id, order) : answer;
    if (place === null) throw new NoPlace(reason ?? 'No node has a place for another stream.', retryAfterSeconds ?? AGAIN_SECONDS);
    const session = new NodeSession(deps, id, place);
    try {
      const { known, refusal } = await session.#ask(openMessage(deps, id, order, place), OPEN_MS);
      if (!known || refusal !== null) throw new NoPlace(`Node ${place.nodeId} refused the stream: ${refusal?.detail ?? 'it does not know it'}.`, AGAIN_SECONDS);
    } catch (error) {
      session.#giveBack('it could not be opened');
      if (error instanceof NoPlace) throw error;
      throw new NoPlace(`Node ${place.nodeId} does not answer.`, AGAIN_SECONDS, new SessionLost('the node did not open it', { nodeId: place.nodeId }, error));
    }
    return session;
  }

  /** Whether silence is the node's. */
  get canBeAsked(): boolean {
    return this.#deps.bus.isConnected;
  }

  /** @throws SessionLost */
  async startHead(head: Pick<StartHead, 'headId' | 'renditionId' | 'from' | 'until' | 'urgent'>): Promise<HeadReport[]> {
    return this.#started(await this.#ask({ v: PROTOCOL_VERSION, kind: 'head', sessionId: this.id, ...head }, HEAD_MS));
  }

  /** @throws SessionLost */
  async startPipe(pipe: Pick<StartPipe, 'headId' | 'path' | 'startSeconds' | 'video' | 'audio'>): Promise<HeadReport[]> {
    return this.#started(await this.#ask({ v: PROTOCOL_VERSION, kind: 'pipe', sessionId: this.id, ...pipe }, HEAD_MS));
  }

  /** What the node says of its heads; null when it did not answer. @throws SessionLost when it does not know the session */
  async keep(heads: { headId: string; until: number }[], drop: { headId: string; reason: string }[]): Promise<HeadReport[] | null> {
    const reply = await this.#ask({ v: PROTOCOL_VERSION, kind: 'keep', sessionId: this.id, heads, drop }, KEEP_MS).catch((error: unknown) => {
      this.#deps.logger.debug({ sessionId: this.id, nodeId: this.nodeId, code: errorCode(error) }, 'node silent');
      return null;
    });
    if (reply?.known === false) throw new SessionLost(`node ${this.nodeId} does not know the session any more`, { nodeId: this.nodeId });
    return reply?.heads ?? null;
  }

  /** Ends what runs and gives the place back. Never throws: the node ends it by itself when it hears nothing more. */
  async close(reason: string): Promise<void> {
    if (this.#over) return;
    this.#giveBack(reason);
    await this.#ask({ v: PROTOCOL_VERSION, kind: 'close', sessionId: this.id, reason: reason.slice(0, 200) }, CLOSE_MS).catch(() => null);
  }

  #giveBack(reason: string): void {
    this.#over = true;
    const message: EndSession = { v: PROTOCOL_VERSION, sessionId: this.id, reason: reason.slice(0, 200) };
    this.#deps.bus.request(subjects.sessionEnd, message, { timeoutMs: CLOSE_MS, schema: z.unknown() }).catch((error: unknown) => {
      this.#deps.logger.debug({ sessionId: this.id, code: errorCode(error) }, 'place not given back; its lease ends');
    });
  }

  #started({ known, refusal, heads }: SessionReply): HeadReport[] {
    if (!known || refusal !== null) throw new SessionLost(`node ${this.nodeId} refused to encode: ${refusal?.detail ?? 'it does not know the session any more'}`, { nodeId: this.nodeId, code: refusal?.code });
    return heads;
  }

  #ask(message: SessionRequest, timeoutMs: number): Promise<SessionReply> {
    return this.#deps.bus.request(subjects.agent(this.nodeId, 'session'), message, { timeoutMs, schema: sessionReplySchema });
  }
}

const WHY_NO_SCHEDULER: Readonly<Record<string, string>> = {
  no_responders: 'No scheduler is there to find a node.',
  request_timeout: 'No scheduler answered in time.',
  bus_disconnected: 'This gateway has lost its connection to NATS.',
  bus_closed: 'This gateway is stopping.',
};

/** @throws NoPlace when no scheduler answers */
function askForPlace(deps: NodeSessionDeps, id: string, { videoId, planned: { stream }, excludeNodes }: SessionOrder): Promise<PlaceSessionReply> {
  const request: PlaceSession = { v: PROTOCOL_VERSION, sessionId: id, videoId, version: stream.version, gatewayId: deps.gateway.id, vramMb: VRAM_MB, excludeNodes: [...excludeNodes] };
  return deps.bus.request(subjects.sessionPlace, request, { timeoutMs: PLACE_MS, schema: placeSessionReplySchema }).catch((error: unknown) => {
    throw new NoPlace(WHY_NO_SCHEDULER[errorCode(error) ?? ''] ?? `No place could be found: ${toError(error).message}.`, AGAIN_SECONDS, error);
  });
}

/** The signed prefix of what the node sends and reads. */
function openMessage(deps: NodeSessionDeps, sessionId: string, { videoId, planned, source }: SessionOrder, place: { incarnation: string; deviceId: string }): OpenSession {
  const { stream, media } = planned;
  const untilMs = deps.clock.now().getTime() + TOKEN_MS;
  return {
    v: PROTOCOL_VERSION, kind: 'open', sessionId, incarnation: place.incarnation, videoId, deviceId: place.deviceId, gatewayUrl: deps.gatewayUrl,
    publishPath: `/agent/v1/segments/${deps.keys.sign({ k: 'session', sessionId, version: stream.version }, untilMs)}`,
    source: { name: 'source', ...source, url: `/agent/v1/sources/${deps.keys.sign({ k: 'source', sessionId, path: source.path }, untilMs)}` },
    originSeconds: stream.originSeconds, fileStartSeconds: media.startTimeSeconds,
    renditions: Object.fromEntries(stream.renditions.map(({ id, recipe }) => [id, recipe])),
  };
}
