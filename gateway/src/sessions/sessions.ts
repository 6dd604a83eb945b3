import { segmentAt, type Stream } from '@reelay/contracts';
import { Ctx, errorCode, KilledByHand, type Service, SessionIdle, Shutdown, waitAtMost } from '@reelay/runtime';
import type { VideoRow } from '@reelay/store';
import type { Piece, PieceFile } from '../cache/piece.ts';
import type { PlannedVideo } from './encoded-streams.ts';
import { startRenditions } from './encoded-stream.ts';
import { NoPlace } from './errors.ts';
import { Session } from './session.ts';
import type { Ask, SessionDeps } from './session-deps.ts';

/** A stream that was ended by hand stays ended for a moment, or its players would start it again at once. */
const ENDED_BY_HAND_MS = 10_000;
const STOP_MS = 1_500;
/** Without a request for so long nobody plays it just now. */
const UNWATCHED_MS = 12_000;
/** A player that has not come by then does not come. */
const PREPARE_MS = 6_000;

/** The on-demand streams of this gateway: at most one session for each video as it is now. */
export class Sessions implements Service {
  readonly name = 'streams';
  readonly #deps: SessionDeps;
  readonly #ctx = Ctx.root('streams');
  /** By version. */
  readonly #sessions = new Map<string, Session>();
  #leaving: Promise<unknown> | undefined;
  readonly #endedByHand = new Map<string, { by: string; untilMs: number }>();

  constructor(deps: SessionDeps) {
    this.#deps = { ...deps, makeRoom: () => this.makeRoom() };
  }

  get gatewayId(): string {
    return this.#deps.gateway.id;
  }

  get size(): number {
    return this.#sessions.size;
  }

  async start(_ctx: Ctx): Promise<void> {
    await Promise.resolve();
  }

  /** Ends all, and has the nodes end what they make for this gateway. Players that wait are told, and ask elsewhere or again. */
  leave(): void {
    this.#leaving ??= Promise.all([...this.#sessions.values()].map((session) => session.closing()));
    this.#ctx.cancel(new Shutdown('the gateway stops'));
  }

  async stop(): Promise<void> {
    this.leave();
    await waitAtMost(this.#deps.clock, STOP_MS, this.#leaving ?? Promise.resolve());
  }

  /** An init segment or media segment: from the cache, or made. @throws what Session.piece throws */
  async piece(video: VideoRow, planned: PlannedVideo, ask: Ask, ctx: Ctx): Promise<Piece | PieceFile> {
    const { version } = planned.stream;
    const key = { version, rendition: ask.renditionId, name: String(ask.name) };
    const cached = await this.#deps.cache.find(key);
    if (cached !== null) {
      this.#sessions.get(version)?.seen(ask);
      return cached;
    }
    ctx.throwIfCancelled();
    const session = this.#sessions.get(version) ?? this.#open(video, planned);
    // It may have come while the cache was asked.
    return this.#deps.cache.has(key) ? this.piece(video, planned, ask, ctx) : session.piece(ask, ctx);
  }

  /**
   * Somebody is about to play from `startSeconds` on: what their player asks for first is made meanwhile. Whether that can be
   * done is for the requests themselves to learn.
   */
  prepare(video: VideoRow, planned: PlannedVideo, { viewer, startSeconds }: { viewer: string; startSeconds: number }): void {
    const { picture, sound } = startRenditions(planned.stream);
    for (const rendition of [picture, sound]) {
      if (rendition === undefined) continue;
      const ctx = this.#ctx.child(`first piece of ${rendition.id}`).withTimeout(PREPARE_MS, this.#deps.clock);
      const ask = { renditionId: rendition.id, name: segmentAt(rendition.recipe.grid, startSeconds), viewer };
      this.piece(video, planned, ask, ctx).catch((error: unknown) => {
        this.#deps.logger.debug({ videoId: video.id, renditionId: rendition.id, code: errorCode(error) }, 'not prepared');
      }).finally(() => ctx.end());
    }
  }

  /** A viewer plays a video no longer. Another player of theirs is known again by its next request. */
  left(videoId: string, viewer: string): void {
    for (const session of this.#sessions.values()) if (session.video.id === videoId) session.left(viewer);
  }

  /**
   * Ends the stream that nobody has asked for the longest: its place is for somebody who waits for one. A player that plays
   * asks every few seconds; one that pauses asks for a place when it goes on. False when all are watched.
   */
  async makeRoom(): Promise<boolean> {
    const idle = [...this.#sessions.values()]
      .map((session) => ({ session, idleSeconds: session.view().idleSeconds }))
      .filter(({ session, idleSeconds }) => session.nodeSessionId !== null && idleSeconds * 1000 >= UNWATCHED_MS)
      .toSorted((a, b) => b.idleSeconds - a.idleSeconds)[0];
    if (idle === undefined) return false;
    idle.session.ctx.cancel(new SessionIdle(Math.round(idle.idleSeconds * 1000)));
    await waitAtMost(this.#deps.clock, STOP_MS, idle.session.closing());
    return true;
  }

  /** The session that a node knows by this id. */
  byNodeSession(sessionId: string): Session | undefined {
    return [...this.#sessions.values()].find((session) => session.nodeSessionId === sessionId);
  }

  list(): Stream[] {
    return [...this.#sessions.values()].map((session) => session.view());
  }

  /** Ends one by hand. Null when there is none with that id. */
  async end(id: string, by: string): Promise<Stream | null> {
    const session = [...this.#sessions.values()].find((candidate) => candidate.id === id);
    if (session === undefined) return null;
    const view = session.view();
    this.#endedByHand.set(session.version, { by, untilMs: this.#deps.clock.monotonicMs() + ENDED_BY_HAND_MS });
    session.ctx.cancel(new KilledByHand(by));
    await session.closing();
    return view;
  }

  #open(video: VideoRow, planned: PlannedVideo): Session {
    const { version } = planned.stream;
    this.#ctx.throwIfCancelled();
    const nowMs = this.#deps.clock.monotonicMs();
    for (const [ended, { untilMs }] of this.#endedByHand) if (untilMs <= nowMs) this.#endedByHand.delete(ended);
    const ended = this.#endedByHand.get(version);
    if (ended !== undefined) throw new NoPlace(`The stream was ended by hand by ${ended.by}.`, Math.ceil((ended.untilMs - nowMs) / 1000));
    const session = new Session(this.#deps, this.#ctx.child(`stream ${version}`), video, planned);
    this.#sessions.set(version, session);
    const { onOpen, onEnd } = this.#deps.events;
    onOpen(session.view());
    session.ctx.onCancel((cause) => {
      onEnd(session.view(), cause);
      if (this.#sessions.get(version) === session) this.#sessions.delete(version);
    });
    return session;
  }
}
