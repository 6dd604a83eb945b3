import { type HeadReport, type OpenSession, SESSION_KEEP_MS, SESSION_LOST_AFTER, type SessionReply, type StartHead, type StartPipe } from '@reelay/contracts';
import { type Clock, type Ctx, Finished, HeartbeatLost, type Logger, SessionClosed, SupersededBySeek } from '@reelay/runtime';
import type { Supervisor } from '@reelay/runtime/supervisor';
import { SOFTWARE_ENCODER } from '../encoder/candidates.ts';
import { Head } from './head.ts';
import { Pipe } from './pipe.ts';
import { Publisher } from './publisher.ts';

export interface SessionOptions {
  order: OpenSession;
  /** What ffmpeg reads, and how to let go of it. */
  source: { input: string; inputOptions: readonly string[]; close: () => void };
  gatewayUrl: string;
  ctx: Ctx;
  supervisor: Supervisor;
  ffmpegPath: string;
  encoder: string;
  gpuIndex: number | null;
  cpus: number;
  canToneMap: boolean;
  clock: Clock;
  logger: Logger;
}

type Refusal = NonNullable<SessionReply['refusal']>;

/** Reports of heads that are over are kept for the gateway's next look. */
const KEPT_REPORTS = 20;

/**
 * The heads that one gateway wants of one video.
 *
 *   open ──close(), gateway silent for three keeps, node stops──▶ closing ──all heads over──▶ closed
 */
export class Session {
  readonly id: string;
  readonly videoId: string;
  readonly openedMs: number;
  readonly over: Promise<void>;
  readonly #options: SessionOptions;
  readonly #heads = new Map<string, Head | Pipe>();
  readonly #pastReports: HeadReport[] = [];
  #encoder: string;
  #lastKeepMs: number;
  #endWatch: () => void;
  #resolveOver: () => void = () => {};

  constructor(options: SessionOptions) {
    const { clock, order, ctx } = options;
    this.#options = options;
    this.id = order.sessionId;
    this.videoId = order.videoId;
    this.openedMs = clock.monotonicMs();
    this.#lastKeepMs = this.openedMs;
    this.#encoder = options.encoder;
    this.over = new Promise((resolve) => {
      this.#resolveOver = resolve;
    });
    this.#endWatch = clock.every(SESSION_KEEP_MS / 2, () => this.#watch());
    ctx.onCancel(() => void this.#settle());
  }

  get open(): boolean {
    return !this.#options.ctx.cancelled;
  }

  get heads(): HeadReport[] {
    return [...[...this.#heads.values()].map((head) => head.report()), ...this.#pastReports];
  }

  /** Starts a head; null when it runs (or did already). */
  start({ headId, renditionId, from, until, urgent }: StartHead): Refusal | null {
    this.kept();
    const { order, source, gatewayUrl, ctx, clock, supervisor, ffmpegPath, gpuIndex, cpus, canToneMap, logger } = this.#options;
    const recipe = order.renditions[renditionId];
    if (recipe === undefined) return { code: 'unknown_rendition', detail: `the session has no rendition ${renditionId}` };
    if (this.#heads.has(headId)) return null;
    const headCtx = ctx.child(`head ${headId}`);
    const head = new Head({
      headId, renditionId, recipe, until, ctx: headCtx, supervisor, ffmpegPath, clock, logger,
      publisher: new Publisher({ baseUrl: `${gatewayUrl}${order.publishPath}/${headId}`, clock, signal: headCtx.signal }),
      owner: `session ${order.sessionId}`, file: order.source.path,
      input: {
        input: source.input, inputOptions: source.inputOptions, originSeconds: order.originSeconds, fileStartSeconds: order.fileStartSeconds,
        from, encoder: this.#encoder, gpuIndex, urgent, cpus, canToneMap,
      },
      onEncoderFailed: (encoder, detail) => this.#encoderFailed(encoder, detail),
    });
    this.#heads.set(headId, head);
    void this.#rememberAfter(head);
    return null;
  }

  /** Starts one continuous film; null when it runs (or did already). */
  startPipe({ headId, path, startSeconds, video, audio }: StartPipe): Refusal | null {
    this.kept();
    const { order, source, gatewayUrl, ctx, clock, supervisor, ffmpegPath, gpuIndex, cpus, canToneMap, logger } = this.#options;
    const [pictures, sound] = [video === null ? undefined : order.renditions[video], audio === null ? undefined : order.renditions[audio]];
    if ((video !== null && pictures?.kind !== 'video') || (audio !== null && sound?.kind !== 'audio')) return { code: 'unknown_rendition', detail: 'the session has no such rendition' };
    if (this.#heads.has(headId)) return null;
    const pipe = new Pipe({
      pipeId: headId, url: `${gatewayUrl}${path}`, video: pictures?.kind === 'video' ? pictures : null, audio: sound?.kind === 'audio' ? sound : null,
      ctx: ctx.child(`pipe ${headId}`), supervisor, ffmpegPath, owner: `session ${order.sessionId}`, file: order.source.path, clock, logger,
      input: { input: source.input, inputOptions: source.inputOptions, originSeconds: order.originSeconds, fileStartSeconds: order.fileStartSeconds, startSeconds, encoder: this.#encoder, gpuIndex, cpus, canToneMap },
    });
    this.#heads.set(headId, pipe);
    void this.#rememberAfter(pipe);
    return null;
  }

  async #rememberAfter(head: Head | Pipe): Promise<void> {
    await head.over;
    this.#heads.delete(head.id);
    this.#pastReports.push(head.report());
    if (this.#pastReports.length > KEPT_REPORTS) this.#pastReports.shift();
  }

  /** The gateway lives; heads may go on, and some are not wanted any more. */
  keep(heads: readonly { headId: string; until: number }[], drop: readonly { headId: string; reason: string }[]): void {
    this.kept();
    for (const { headId, until } of heads) {
      const head = this.#heads.get(headId);
      if (head instanceof Head) head.allow(until);
    }
    for (const { headId, reason } of drop) void this.#heads.get(headId)?.drop(new SupersededBySeek({ reason }));
  }

  kept(): void {
    this.#lastKeepMs = this.#options.clock.monotonicMs();
  }

  /** Ends every head. Resolves when nothing of it runs. */
  close(reason: string): Promise<void> {
    this.#options.ctx.cancel(new SessionClosed(reason));
    return this.over;
  }

  #watch(): void {
    const silentMs = this.#options.clock.monotonicMs() - this.#lastKeepMs;
    if (silentMs > SESSION_KEEP_MS * SESSION_LOST_AFTER) this.#options.ctx.cancel(new HeartbeatLost('the gateway', Math.round(silentMs)));
  }

  async #settle(): Promise<void> {
    this.#endWatch();
    this.#endWatch = () => {};
    await Promise.all([...this.#heads.values()].map((head) => head.drop(this.#options.ctx.cause ?? new Finished())));
    this.#options.source.close();
    this.#resolveOver();
  }

  /** The other heads of this session do not try it again. */
  #encoderFailed(encoder: string, detail: string): void {
    if (this.#encoder !== SOFTWARE_ENCODER) this.#options.logger.warn({ sessionId: this.id, encoder, detail }, 'the encoder failed; the session goes on in software');
    this.#encoder = SOFTWARE_ENCODER;
  }
}
