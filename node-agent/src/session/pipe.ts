import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';
import type { AudioRecipe, HeadReport, VideoRecipe } from '@reelay/contracts';
import { ClientGone, type Clock, type Ctx, diagnose, Finished, type Logger, toError } from '@reelay/runtime';
import type { Proc, Supervisor } from '@reelay/runtime/supervisor';
import { pipeArgs, type PipeInput } from './pipe-args.ts';
import { AWAITED_NICE, discardGraceMs } from './standing.ts';

export interface PipeOptions {
  pipeId: string;
  /** `<gatewayUrl><path>`: one POST with the whole film as its chunked body. */
  url: string;
  video: VideoRecipe | null;
  audio: AudioRecipe | null;
  input: PipeInput;
  ctx: Ctx;
  supervisor: Supervisor;
  ffmpegPath: string;
  owner: string;
  file: string;
  clock: Clock;
  logger: Logger;
}

/** No byte from an encoder that could write. */
const STALL_MS = 20_000;

/**
 * One continuous fragmented MP4 from ffmpeg's stdout into one request. The socket's back-pressure reaches ffmpeg.
 *
 *   sending ──end of the film──▶ ended
 *      └──the gateway ends the request (its viewer left), context cancelled──▶ ended, ffmpeg killed
 *      └──ffmpeg failed──▶ failed, the request is broken off so that nobody takes the half for the whole
 */
export class Pipe {
  readonly id: string;
  readonly over: Promise<void>;
  readonly #options: PipeOptions;
  readonly #startedMs: number;
  #proc: Proc | undefined;
  #state: HeadReport['state'] = 'starting';
  #detail: string | null = null;

  constructor(options: PipeOptions) {
    this.#options = options;
    this.id = options.pipeId;
    this.#startedMs = options.clock.monotonicMs();
    this.over = this.#live();
  }

  drop(cause: Error): Promise<void> {
    this.#options.ctx.cancel(cause);
    return this.over;
  }

  report(): HeadReport {
    return {
      headId: this.id, renditionId: 'live', from: 0, next: 0, state: this.#state, pid: this.#proc?.alive ? this.#proc.pid : null,
      uptimeMs: Math.round(this.#options.clock.monotonicMs() - this.#startedMs), fps: null, speed: null, encoder: this.#options.input.encoder, detail: this.#detail,
    };
  }

  async #live(): Promise<void> {
    const { ctx, logger } = this.#options;
    const error = await this.#send().then(() => null, toError);
    if (this.#proc) await this.#proc.terminate(ctx.cause ?? new Finished());
    if (error !== null) this.#detail = (ctx.cause ?? error).message;
    this.#state = error === null || ctx.cancelled ? 'ended' : 'failed';
    logger.info({ pipeId: this.id, state: this.#state, detail: this.#detail }, 'pipe over');
    ctx.end();
  }

  async #send(): Promise<void> {
    const { url, video, audio, input, ctx, supervisor, ffmpegPath, owner, file } = this.#options;
    const request = (url.startsWith('https:') ? httpsRequest : httpRequest)(url, { method: 'POST', signal: ctx.signal, headers: { 'content-type': 'video/mp4', 'transfer-encoding': 'chunked' } });
    // An answer before the end means that the viewer has gone.
    request.once('response', (response) => {
      response.resume();
      ctx.cancel(new ClientGone());
    });
    const proc = supervisor.spawn(ctx, {
      name: 'ffmpeg live', argv0: ffmpegPath, args: pipeArgs({ video, audio }, input), kind: 'interactive', owner, file, group: 'own',
      stdout: 'pipe', graceMs: discardGraceMs(input.encoder), stallMs: STALL_MS, isBackpressured: () => request.writableNeedDrain,
    });
    this.#proc = proc;
    proc.standBack(AWAITED_NICE);
    proc.stdout.on('data', () => {
      proc.touch();
      if (this.#state === 'starting') this.#state = 'running';
    });
    const failure = this.#failureOf(proc, request);
    try {
      // The request is ended by hand: a film that broke off must not look like one that is over.
      await Promise.race([pipeline(proc.stdout, request, { end: false }), failure]);
      await failure;
      request.end();
    } catch (error) {
      request.destroy();
      throw error;
    }
  }

  async #failureOf(proc: Proc, request: { once: (event: 'error', fn: (error: Error) => void) => unknown }): Promise<void> {
    const broken = new Promise<never>((_resolve, reject) => {
      request.once('error', reject);
    });
    const exit = await Promise.race([proc.exit, broken]);
    this.#options.ctx.throwIfCancelled();
    if (exit.kind !== 'code' || exit.code !== 0) throw new Error(diagnose(proc.stderrTail(), exit).message);
  }
}
