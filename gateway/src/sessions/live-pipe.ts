import { SESSION_KEEP_MS, type Stream } from '@reelay/contracts';
import { type Clock, type Ctx, errorCode, Finished, type Logger, SessionClosed, toError } from '@reelay/runtime';
import type { VideoRow } from '@reelay/store';
import { EncodingFailed, EncodingSlow, SessionLost } from './errors.ts';
import { NodeSession, type NodeSessionDeps, type SessionOrder } from './node-session.ts';
import { pipeView } from './stream-view.ts';

export interface PipeOrder extends SessionOrder {
  readonly video: VideoRow;
  readonly startSeconds: number;
  readonly videoRendition: string | null;
  readonly audioRendition: string | null;
}

/** The first bytes are there after this time, or the viewer hears why not. */
const FIRST_BYTES_MS = 8_500;
const SILENT_LIMIT = 3;
/** Until the first bytes come, a failure is asked for more often. */
const ASK_MS = 500;
const TOKEN_MS = 60_000;

/**
 * One continuous film for one viewer: the node's request goes on as the viewer's answer, at the viewer's pace.
 *
 *   waiting ──the node's request comes, with its first bytes──▶ sending ──end of the film──▶ over
 *      └──no place, encoder failed, nothing in time──▶ over, the viewer hears why
 *   any ──the viewer leaves or stands still, ended by hand, file wanted elsewhere, node lost──▶ over, on both sides
 */
export class LivePipe {
  readonly id: string;
  /** Ends with the viewer's request, and ends it. */
  readonly ctx: Ctx;
  readonly order: PipeOrder;
  readonly #deps: NodeSessionDeps;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #startedMs: number;
  #node: NodeSession | null = null;
  #silent = 0;
  #sentBytes = 0;
  #body: ReadableStreamDefaultReader<Uint8Array> | null = null;
  #bodyCame: (body: ReadableStreamDefaultReader<Uint8Array>) => void = () => {};

  constructor(deps: NodeSessionDeps, ctx: Ctx, order: PipeOrder) {
    this.#deps = deps;
    this.#clock = deps.clock;
    this.id = deps.newId();
    this.ctx = ctx;
    this.order = order;
    this.#logger = deps.logger.child({ pipeId: this.id, videoId: order.video.id });
    this.#startedMs = deps.clock.monotonicMs();
    ctx.onCancel((cause) => this.#close(cause));
  }

  /** What the node knows it by; null without a place. */
  get nodeSessionId(): string | null {
    return this.#node?.id ?? null;
  }

  /** The film, once its first bytes are here. @throws NoPlace, EncodingFailed, EncodingSlow; the cause when it is over */
  async open(): Promise<ReadableStream<Uint8Array>> {
    const node = await NodeSession.open(this.#deps, this.order);
    if (this.ctx.cancelled) {
      await node.close('the viewer left');
      this.ctx.throwIfCancelled();
    }
    this.#node = node;
    const first = this.#firstBytes();
    this.#keepAlive(node, ASK_MS);
    const path = `/agent/v1/pipes/${this.#deps.keys.sign({ k: 'pipe', pipeId: this.id }, this.#clock.now().getTime() + TOKEN_MS)}`;
    const { startSeconds, videoRendition: video, audioRendition: audio } = this.order;
    node.startPipe({ headId: this.id, path, startSeconds, video, audio }).catch((error: unknown) => this.#fail(new EncodingFailed(toError(error).message)));
    const { reader, chunk } = await first;
    this.#logger.info({ nodeId: node.nodeId, tookMs: Math.round(this.#clock.monotonicMs() - this.#startedMs) }, 'live film begins');
    return this.#film(reader, chunk);
  }

  /** The node's request. Resolves when no more of it is read. */
  async take(body: ReadableStream<Uint8Array>): Promise<void> {
    if (this.ctx.cancelled || this.#body !== null) return;
    this.#body = body.getReader();
    this.#bodyCame(this.#body);
    await this.ctx.done;
  }

  /** The node's request is over. What it sent is read to its end. */
  sourceEnded(): void {
    this.#clock.after(ASK_MS, () => {
      if (this.#sentBytes === 0) this.#fail(new EncodingFailed('The encoder broke off before its first picture.'));
    });
  }

  view(): Stream {
    return pipeView({ id: this.id, order: this.order, gateway: this.#deps.gateway.name, node: this.#node, isSending: this.#sentBytes > 0, uptimeMs: this.#clock.monotonicMs() - this.#startedMs });
  }

  async #firstBytes(): Promise<{ reader: ReadableStreamDefaultReader<Uint8Array>; chunk: Uint8Array }> {
    const came = new Promise<ReadableStreamDefaultReader<Uint8Array>>((resolve) => {
      this.#bodyCame = resolve;
    });
    const over = this.ctx.done.then((cause) => {
      throw cause;
    });
    const callOff = this.#clock.after(FIRST_BYTES_MS, () => this.#fail(new EncodingSlow('The encoder has not begun yet.')));
    try {
      const reader = await Promise.race([came, over]);
      // A request that breaks off before its first byte: the node says why with its next word.
      const { value } = await Promise.race([reader.read().catch(() => over), over]);
      if (value === undefined) throw new EncodingFailed('The encoder ended before its first picture.');
      return { reader, chunk: value };
    } finally {
      callOff();
    }
  }

  /** Reads only as fast as the viewer does. */
  #film(reader: ReadableStreamDefaultReader<Uint8Array>, first: Uint8Array): ReadableStream<Uint8Array> {
    let next: Uint8Array | null = first;
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        try {
          const chunk = next ?? (await reader.read()).value;
          next = null;
          this.ctx.throwIfCancelled();
          if (chunk === undefined) {
            controller.close();
            this.ctx.end();
            return;
          }
          this.#sentBytes += chunk.length;
          controller.enqueue(chunk);
        } catch (error) {
          // Half a film must not look like a whole one.
          controller.error(this.ctx.cause ?? error);
          this.#fail(new EncodingFailed('The encoder broke off.'));
        }
      },
      cancel: () => this.ctx.end(),
    }, { highWaterMark: 0 });
  }

  #keepAlive(node: NodeSession, everyMs: number): void {
    const callOff = this.#clock.after(everyMs, () => {
      undo();
      void this.#keep(node);
    });
    const undo = this.ctx.onCancel(() => callOff());
  }

  async #keep(node: NodeSession): Promise<void> {
    try {
      const reports = await node.keep([], []);
      this.#silent = reports === null ? this.#silent + 1 : 0;
      const failed = reports?.find(({ headId, state }) => headId === this.id && state === 'failed');
      if (failed) this.#fail(new EncodingFailed(failed.detail ?? 'The encoder failed.'));
      else if (this.#silent >= SILENT_LIMIT) this.#fail(new SessionLost(`node ${node.nodeId} does not answer`));
    } catch (error) {
      this.#fail(toError(error));
    }
    if (!this.ctx.cancelled) this.#keepAlive(node, this.#sentBytes > 0 ? SESSION_KEEP_MS : ASK_MS);
  }

  #fail(error: Error): void {
    this.ctx.cancel(error);
  }

  #close(cause: Error): void {
    const reason = cause instanceof Finished ? new SessionClosed('the film is over') : cause;
    this.#logger.info({ nodeId: this.#node?.nodeId, sentBytes: this.#sentBytes, cause: reason.message, code: errorCode(cause) }, 'live film ended');
    void this.#body?.cancel(cause).catch(() => undefined);
    void this.#node?.close(reason.message);
  }
}
