import { segmentAt, SESSION_KEEP_MS, startSecondsOf, type Stream } from '@reelay/contracts';
import { type Clock, type Ctx, errorCode, type Logger, SessionIdle, toError } from '@reelay/runtime';
import type { VideoRow } from '@reelay/store';
import type { Piece } from '../cache/piece.ts';
import { HttpProblem } from '../http/problem.ts';
import type { ReadLease } from '../locks/read-locks.ts';
import { segmentObstacle } from './check-piece.ts';
import type { PlannedVideo } from './encoded-streams.ts';
import type { EncodedRendition } from './encoded-stream.ts';
import { EncodingFailed, PieceRefused, SessionLost } from './errors.ts';
import { ExcludedNodes } from './excluded-nodes.ts';
import { type HeadRecord, HeadTable } from './head-table.ts';
import { planHeads, type Start } from './head-plan.ts';
import { Intake } from './intake.ts';
import { Keeper } from './keeper.ts';
import { NodeSession } from './node-session.ts';
import { unchangedSource } from './source-file.ts';
import { streamView } from './stream-view.ts';
import type { Ask, SessionDeps } from './session-deps.ts';
import { Troubles } from './troubles.ts';
import { Viewing } from './viewing.ts';
import { Waiters } from './waiters.ts';

const TICK_MS = 500;
/** Without a request for so long it ends; without a head or anybody on hold, sooner: what is watched comes from the cache. */
const IDLE_MS = 60_000;
const UNNEEDED_MS = 20_000;
/** A head that comes this near to its limit is told of a later one at once. */
const NEAR_LIMIT = 4;
const UNHURRIED_MS = 100;
const PLACE_AGAIN_MS = 500;
const RECOVERING_MS = 15_000;
const REFUSED_MS = 1_000;
const EXCLUDED_MS = 60_000;
const UNREACHABLE_MS = 10_000;

/**
 * One encoded stream of one video, as this gateway serves it to all its viewers.
 *
 *   unplaced ──a head is wanted──▶ placing ──place found, opened──▶ open ──node silent or restarted, drained──▶ unplaced
 *      ▲                              │ none: everybody on hold hears why    │    ▲
 *      └──────────────────────────────┘                         a head failed twice: another node
 *   any ──idle, ended by hand, file wanted elsewhere, gateway stops──▶ closed
 *
 * What the viewers have in hand, and what is in the cache, goes on through all of this.
 */
export class Session {
  readonly id: string;
  readonly video: VideoRow;
  readonly planned: PlannedVideo;
  readonly ctx: Ctx;
  readonly startedMs: number;
  readonly #deps: SessionDeps;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #waiters: Waiters;
  readonly #viewing = new Viewing();
  readonly #heads = new HeadTable();
  readonly #troubles = new Troubles();
  readonly #intake: Intake;
  readonly #excluded = new ExcludedNodes();
  #keeper: Keeper | null = null;
  #state: 'unplaced' | 'placing' | 'open' | 'closed' = 'unplaced';
  #node: NodeSession | null = null;
  #lease: ReadLease | null = null;
  #refusal: { error: Error; untilMs: number } | null = null;
  #openMs = -Infinity;
  #placeFromMs = 0;
  #askedMs: number;
  #neededMs: number;
  #endTick: () => void;
  #endSoon: (() => void) | null = null;
  #endLater: () => void = () => {};
  #segments = 0;
  #hits = 0;
  #detail: string | null = null;
  #closing: Promise<void> = Promise.resolve();

  constructor(deps: SessionDeps, ctx: Ctx, video: VideoRow, planned: PlannedVideo) {
    this.#deps = deps;
    this.#clock = deps.clock;
    this.id = deps.newId();
    this.#logger = deps.logger.child({ streamId: this.id, videoId: video.id });
    this.video = video;
    this.planned = planned;
    this.ctx = ctx;
    this.#waiters = new Waiters(deps.clock);
    this.#intake = new Intake(deps.cache, planned.stream.version);
    this.startedMs = deps.clock.monotonicMs();
    this.#askedMs = this.startedMs;
    this.#neededMs = this.startedMs;
    this.#endTick = deps.clock.every(TICK_MS, () => this.#tick());
    ctx.onCancel((cause) => this.#close(cause));
  }

  get version(): string {
    return this.planned.stream.version;
  }

  /** What the node knows it by; null without a place. */
  get nodeSessionId(): string | null {
    return this.#node?.id ?? null;
  }

  /** A piece from the cache went to a viewer. */
  seen({ renditionId, name, viewer }: Ask): void {
    const rendition = this.#rendition(renditionId);
    this.#hits += 1;
    this.#askedMs = this.#clock.monotonicMs();
    if (name === 'init' || rendition === undefined) return;
    this.#viewing.ask(viewer, rendition.recipe.kind, renditionId, name, this.#askedMs);
    this.#planSoon();
  }

  /** A viewer plays it no longer: what is made for nobody else ends at once. */
  left(viewer: string): void {
    this.#viewing.leave(viewer, this.#clock.monotonicMs());
    this.#plan();
  }

  /** Holds the request until the piece comes. @throws NoPlace, EncodingFailed, EncodingSlow, HttpProblem segment_not_found; causes */
  async piece(ask: Ask, ctx: Ctx): Promise<Piece> {
    this.ctx.throwIfCancelled();
    const nowMs = this.#clock.monotonicMs();
    const { renditionId, name, viewer } = ask;
    const rendition = this.#rendition(renditionId);
    if (rendition === undefined) throw new HttpProblem('segment_not_found', `There is no rendition ${renditionId}`);
    this.#askedMs = nowMs;
    const { kind } = rendition.recipe;
    const init = name === 'init' ? this.#intake.init(renditionId) : undefined;
    if (init !== undefined) return init;
    const n = name === 'init' ? Math.min(rendition.segments - 1, this.#viewing.guess(viewer, kind)) : name;
    const { place, isJump, isDrag, notBeforeMs } = this.#viewing.ask(viewer, kind, renditionId, n, nowMs);
    const trouble = this.#troubles.reasonFor(renditionId, n, nowMs);
    if (trouble !== null) throw new EncodingFailed(trouble);
    if (this.#refusal !== null && this.#refusal.untilMs > nowMs) throw this.#refusal.error;
    const held = this.#waiters.hold({ renditionId, n, isInit: name === 'init', sinceMs: nowMs, place, urgent: place.streak === 0, notBeforeMs }, ctx, () => this.#planSoon());
    this.#plan();
    if (kind === 'video' && isJump && !isDrag) this.#prepareSound(viewer, startSecondsOf(rendition.recipe.grid, n), ctx);
    return held;
  }

  /** A player asks for the sound of a new place once it has its pictures, or nearly so: it is made meanwhile. */
  #prepareSound(viewer: string, seconds: number, ctx: Ctx): void {
    const sound = this.#rendition(this.#viewing.soundOf(viewer) ?? '');
    if (sound === undefined) return;
    const name = segmentAt(sound.recipe.grid, seconds);
    if (this.#deps.cache.has(this.#intake.key(sound.id, name))) return;
    this.piece({ renditionId: sound.id, name, viewer }, ctx).catch((error: unknown) => this.#logger.debug({ code: errorCode(error) }, 'sound not prepared'));
  }

  /** A piece that the node sends. @throws PieceRefused */
  async take(headId: string, name: 'init' | number, piece: Piece): Promise<void> {
    const head = this.#heads.get(headId);
    const rendition = head === undefined ? undefined : this.#rendition(head.renditionId);
    if (head === undefined || rendition === undefined) throw new PieceRefused('Nobody waits for it any more');
    const obstacle = name === 'init' ? await this.#intake.initObstacle(rendition, piece) : segmentObstacle(piece.bytes, rendition.recipe, name);
    if (obstacle !== null) {
      const detail = `its ${name === 'init' ? 'init segment' : `segment ${name}`} cannot be used: ${obstacle}`;
      this.#headFailed(head, detail);
      throw new PieceRefused(detail);
    }
    if (name === 'init') this.#waiters.resolve(rendition.id, name, await this.#intake.keepInit(rendition, piece));
    else await this.#takeSegment(head, rendition.id, name, piece);
  }

  /** As people see it in the list. */
  view(): Stream {
    const nowMs = this.#clock.monotonicMs();
    return streamView({
      id: this.id, video: this.video, planned: this.planned, state: this.#state, gateway: this.#deps.gateway.name, node: this.#node, heads: this.#heads.all, nowMs,
      viewers: this.#viewing.viewerCount(nowMs), startedMs: this.startedMs, askedMs: this.#askedMs, segments: this.#segments, cacheHits: this.#hits,
      detail: this.#refusal !== null && this.#refusal.untilMs > nowMs ? this.#refusal.error.message : (this.#troubles.lastDetail ?? this.#detail),
    });
  }

  /** Resolves when it is over, and the node was told or did not listen. */
  async closing(): Promise<void> {
    await this.ctx.done;
    await this.#closing;
  }

  #rendition(id: string): EncodedRendition | undefined {
    return this.planned.stream.renditions.find((rendition) => rendition.id === id);
  }

  async #takeSegment(head: HeadRecord, renditionId: string, n: number, piece: Piece): Promise<void> {
    const key = this.#intake.key(renditionId, n);
    this.#segments += 1;
    this.#heads.published(head, n, this.#clock.monotonicMs());
    const isFirst = !this.#deps.cache.has(key);
    const stored = this.#deps.cache.putPiece(key, piece);
    // Nobody waits for the disk.
    this.#waiters.resolve(renditionId, n, isFirst ? piece : await stored);
    this.#planSoon();
    await stored;
  }

  #planSoon(): void {
    if (this.#endSoon !== null || this.#state === 'closed') return;
    // With a thousand viewers a plan takes 7 ms (measured): while nobody waits, it is made for many requests at once.
    this.#endSoon = this.#clock.after(this.#waiters.size > 0 ? 0 : UNHURRIED_MS, () => this.#plan());
  }

  #plan(): void {
    this.#endSoon?.();
    this.#endSoon = null;
    this.#endLater();
    if (this.#state === 'closed') return;
    const nowMs = this.#clock.monotonicMs();
    this.#viewing.prune(nowMs);
    const { starts, drops, until, againInMs } = planHeads({
      nowMs, wants: this.#waiters.wants, places: this.#viewing.places, heads: this.#heads.states(), troubles: this.#troubles.blocked(nowMs), isHurried: this.#viewing.isLeaving(nowMs),
      count: (id) => this.#rendition(id)?.segments ?? 0,
      has: (id, n) => this.#deps.cache.has(this.#intake.key(id, n)),
    });
    for (const { headId, reason } of drops) this.#drop(headId, reason);
    for (const head of this.#heads.all) {
      const allowed = until.get(head.id);
      if (allowed === undefined) head.unwantedSinceMs ??= nowMs;
      else {
        head.unwantedSinceMs = null;
        head.until = Math.max(head.until, Math.min(allowed, this.#rendition(head.renditionId)?.segments ?? allowed));
      }
    }
    if (starts.length > 0) {
      if (this.#state === 'open') for (const start of starts) this.#start(start);
      else if (this.#state === 'unplaced' && nowMs >= this.#placeFromMs) void this.#findPlace();
    }
    if (this.#heads.all.some((head) => head.until > head.toldUntil && head.next + NEAR_LIMIT >= head.toldUntil)) this.#keeper?.tell();
    if (againInMs !== null) this.#endLater = this.#clock.after(Math.max(10, againInMs), () => this.#plan());
  }

  #start({ renditionId, n, until, urgent }: Start): void {
    const node = this.#node;
    if (node === null) return;
    const head = this.#heads.add({ id: this.#deps.newId(), renditionId, from: n, until, nowMs: this.#clock.monotonicMs() });
    this.#logger.debug({ headId: head.id, renditionId, from: n, until, urgent }, 'head wanted');
    node.startHead({ headId: head.id, renditionId, from: n, until, urgent }).catch((error: unknown) => {
      if (this.#node !== node || this.#heads.get(head.id) === undefined) return;
      this.#heads.delete(head.id);
      if (error instanceof SessionLost) this.#lost(error);
      else this.#keeper?.unanswered();
    });
  }

  #drop(headId: string, reason: string): void {
    const head = this.#heads.get(headId);
    if (head === undefined) return;
    this.#heads.delete(headId);
    this.#keeper?.drop(headId, reason);
    this.#logger.debug({ headId, renditionId: head.renditionId, from: head.from, next: head.next, reason }, 'head dropped');
  }

  #headFailed(head: HeadRecord, detail: string): void {
    const nowMs = this.#clock.monotonicMs();
    this.#drop(head.id, 'it failed');
    const { renditionId, next } = head;
    const verdict = this.#troubles.failed(renditionId, next, detail, nowMs);
    this.#logger.warn({ renditionId, next, nodeId: this.#node?.nodeId, detail, verdict }, 'head failed');
    if (verdict === 'give up') this.#giveUp(renditionId, next);
    if (verdict === 'move') void this.#move(renditionId, next);
    this.#planSoon();
  }

  #giveUp(renditionId: string, n: number): void {
    const nowMs = this.#clock.monotonicMs();
    this.#troubles.giveUp(renditionId, n, nowMs);
    this.#waiters.reject(new EncodingFailed(this.#troubles.reasonFor(renditionId, n, nowMs) ?? 'Encoding failed.'), (want) => this.#troubles.reasonFor(want.renditionId, want.n, nowMs) !== null);
  }

  /** Another node, without the one that failed; it keeps what it has when there is none. */
  async #move(renditionId: string, n: number): Promise<void> {
    const old = this.#node;
    if (old === null) return;
    this.#excluded.add(old.nodeId, this.#clock.monotonicMs() + EXCLUDED_MS);
    try {
      const next = await this.#openPlace();
      if (this.#node !== old || this.ctx.cancelled) {
        await next.close('not needed any more');
        return;
      }
      this.#becomeOpen(next);
      this.#logger.info({ from: old.nodeId, to: next.nodeId }, 'stream moved to another node');
      void old.close('moved to another node');
    } catch (error) {
      this.#logger.info({ code: errorCode(error), reason: toError(error).message }, 'no other node for the stream');
      this.#giveUp(renditionId, n);
    } finally {
      this.#troubles.moved();
      this.#planSoon();
    }
  }

  async #findPlace(): Promise<void> {
    this.#state = 'placing';
    try {
      const node = await this.#openPlace();
      if (this.ctx.cancelled) await node.close('not needed any more');
      else this.#becomeOpen(node);
    } catch (error) {
      this.#noPlace(toError(error));
    }
  }

  /** @throws NoPlace; what keeps the file from being read */
  async #openPlace(): Promise<NodeSession> {
    this.#lease ??= await this.#deps.reads.read(this.video, { viewer: `session ${this.id}`, kind: 'session' }, this.ctx);
    this.ctx.throwIfCancelled();
    const source = await unchangedSource(this.#deps.library, this.video, this.#lease.video.path);
    return NodeSession.open(this.#deps, { videoId: this.video.id, planned: this.planned, source, excludeNodes: this.#excluded.at(this.#clock.monotonicMs()) });
  }

  #becomeOpen(node: NodeSession): void {
    this.#heads.clear();
    this.#node = node;
    this.#state = 'open';
    this.#refusal = null;
    this.#openMs = this.#clock.monotonicMs();
    this.#keeper = new Keeper(node, this.#heads, this.#clock, {
      onReports: (reports, asked) => this.#reported(reports, asked),
      onLost: (error, isSilent) => {
        if (this.#node !== node) return;
        if (isSilent) this.#excluded.add(node.nodeId, this.#clock.monotonicMs() + UNREACHABLE_MS);
        this.#lost(error);
      },
    });
    this.#logger.info({ sessionId: node.id, nodeId: node.nodeId, deviceId: node.deviceId }, 'stream has a place');
    this.#plan();
  }

  #noPlace(error: Error): void {
    if (this.#state === 'closed') return;
    this.#state = 'unplaced';
    const nowMs = this.#clock.monotonicMs();
    const unreachable = error.cause instanceof SessionLost ? error.cause.fields['nodeId'] : undefined;
    if (typeof unreachable === 'string') this.#excluded.add(unreachable, nowMs + UNREACHABLE_MS);
    // Its node died a moment ago: another one, or the same one started anew, is worth waiting for.
    if (unreachable !== undefined || nowMs - this.#openMs < RECOVERING_MS) {
      if (unreachable === undefined) this.#excluded.clear();
      this.#placeFromMs = nowMs + PLACE_AGAIN_MS;
      return;
    }
    this.#logger.info({ code: errorCode(error), reason: error.message, onHold: this.#waiters.size }, 'stream has no place');
    this.#placeFromMs = nowMs + REFUSED_MS;
    this.#refusal = { error, untilMs: nowMs + REFUSED_MS };
    this.#waiters.reject(error);
  }

  /** The node is gone, or knows nothing: what it was to make is wanted from somebody else. */
  #lost(error: Error): void {
    const node = this.#node;
    if (node === null) return;
    this.#logger.warn({ sessionId: node.id, nodeId: node.nodeId, reason: error.message }, 'stream lost its place');
    this.#detail = error.message;
    this.#node = null;
    this.#keeper = null;
    this.#state = 'unplaced';
    this.#openMs = this.#clock.monotonicMs();
    this.#heads.clear();
    void node.close('lost');
    this.#planSoon();
  }

  #tick(): void {
    const nowMs = this.#clock.monotonicMs();
    if (this.#heads.size > 0 || this.#waiters.size > 0) this.#neededMs = nowMs;
    if (this.#waiters.size === 0 && (this.#viewing.allLeft || nowMs - this.#askedMs >= IDLE_MS || nowMs - this.#neededMs >= UNNEEDED_MS)) {
      this.ctx.cancel(new SessionIdle(Math.round(nowMs - this.#askedMs)));
      return;
    }
    this.#plan();
    // Whoever waits learns of a failure soon.
    this.#keeper?.tellEvery(this.#waiters.size > 0 ? TICK_MS : SESSION_KEEP_MS);
  }

  /** `asked`: heads that the node was told of; one that is being started now is not missing. */
  #reported(reports: Parameters<HeadTable['reported']>[0], asked: ReadonlySet<string>): void {
    const over = this.#heads.reported(reports, asked, (id) => this.#rendition(id)?.segments ?? 0);
    for (const { head, failure } of over) if (failure !== null) this.#headFailed(head, failure);
    this.#detail = this.#heads.all.find(({ report }) => report !== null && report.detail !== null)?.report?.detail ?? this.#detail;
    if (over.length > 0) this.#planSoon();
  }

  #close(cause: Error): void {
    this.#state = 'closed';
    this.#endTick();
    this.#endSoon?.();
    this.#endLater();
    this.#waiters.reject(cause);
    this.#lease?.release();
    this.#lease = null;
    const node = this.#node;
    this.#node = null;
    this.#keeper = null;
    this.#heads.clear();
    this.#logger.info({ cause: cause.message, code: errorCode(cause), segments: this.#segments, hits: this.#hits }, 'stream ended');
    if (node !== null) this.#closing = node.close(cause.message);
  }
}
