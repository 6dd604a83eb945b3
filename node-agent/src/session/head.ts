import { type HeadReport, type RenditionRecipe, segmentCount } from '@reelay/contracts';
import { type Clock, type Ctx, diagnose, Finished, type Logger, toError } from '@reelay/runtime';
import type { Proc, Supervisor } from '@reelay/runtime/supervisor';
import { SOFTWARE_ENCODER } from '../encoder/candidates.ts';
import { FragmentReader } from './fragment-reader.ts';
import { headArgs, type HeadInput } from './head-args.ts';
import { NotWanted, type Publisher } from './publisher.ts';
import { type Segment, type Segmenter, segmenterFor } from './segmenter.ts';
import { AWAITED_NICE, discardGraceMs, IN_HAND_NICE } from './standing.ts';

export interface HeadOptions {
  headId: string;
  renditionId: string;
  recipe: RenditionRecipe;
  input: HeadInput;
  /** The first segment that it may not make yet. */
  until: number;
  ctx: Ctx;
  publisher: Publisher;
  supervisor: Supervisor;
  ffmpegPath: string;
  /** For people: what it works for, and on which file. */
  owner: string;
  file: string;
  clock: Clock;
  logger: Logger;
  /** It takes over at a segment after another encoder failed there. */
  onEncoderFailed: (encoder: string, detail: string) => void;
}

/** No byte from an encoder that could write. */
const STALL_MS = 20_000;
/** With so many segments its viewers have something in hand: whoever waits for a first one goes before it. Sound is made many times faster. */
const IN_HAND = { video: 2, audio: 1 } as const;
/** Segments that wait for the gateway; an encoder that is further ahead waits itself. */
const MAX_QUEUED = 3;
const NO_TONE_MAPPING = 'HDR is shown without tone mapping: this ffmpeg has no filter zscale';

/**
 * One run of ffmpeg: one rendition from one segment on, published piece by piece.
 *
 *   starting ──first segment──▶ running ⇄ waiting (up to `until`; ffmpeg blocks on its full pipe)
 *      │  └──hardware encoder failed: once more in software──┐   │
 *      └──────────drop(), context cancelled──────▶ ended ◀───┴───┘──last segment
 *      └──────────ffmpeg failed, off the grid, not wanted ──▶ failed or ended
 */
export class Head {
  readonly id: string;
  readonly renditionId: string;
  /** Resolves when its process is gone and nothing more is published; never rejects. */
  readonly over: Promise<void>;
  readonly #options: HeadOptions;
  readonly #ctx: Ctx;
  readonly #count: number;
  #state: HeadReport['state'] = 'starting';
  #proc: Proc | undefined;
  #until: number;
  #next: number;
  #encoder: string;
  #detail: string | null = null;
  #startedMs: number;
  #published = 0;
  #initSent = false;
  /** Segments made and not sent yet. */
  #queue: Promise<void> = Promise.resolve();
  #queued = 0;
  /** The gateway refused one: those behind it are not sent. */
  #unwanted = false;

  constructor(options: HeadOptions) {
    this.#options = options;
    this.id = options.headId;
    this.renditionId = options.renditionId;
    this.#ctx = options.ctx;
    this.#count = segmentCount(options.recipe.grid);
    this.#until = options.until;
    this.#next = options.input.from;
    this.#encoder = options.input.encoder;
    this.#startedMs = options.clock.monotonicMs();
    if (options.recipe.kind === 'video' && options.recipe.toneMap !== null && !options.input.canToneMap) this.#detail = NO_TONE_MAPPING;
    this.over = this.#live();
  }

  get alive(): boolean {
    return this.#state !== 'ended' && this.#state !== 'failed';
  }

  /** Lets it go on to a later segment. */
  allow(until: number): void {
    if (until <= this.#until) return;
    this.#until = until;
    this.#resume();
  }

  /** Ends it; what is not published yet is thrown away. */
  drop(cause: Error): Promise<void> {
    this.#ctx.cancel(cause);
    return this.over;
  }

  report(): HeadReport {
    const uptimeMs = Math.round(this.#options.clock.monotonicMs() - this.#startedMs);
    const { grid } = this.#options.recipe;
    const mediaSeconds = 'gopFrames' in grid ? (this.#published * grid.gopFrames * grid.frameRate.den) / grid.frameRate.num : (this.#published * grid.segment.num) / grid.segment.den;
    const speed = this.#published === 0 || this.#state === 'waiting' ? null : mediaSeconds / (uptimeMs / 1_000);
    return {
      headId: this.id, renditionId: this.renditionId, from: this.#options.input.from, next: this.#next, state: this.#state, pid: this.#proc?.alive ? this.#proc.pid : null, uptimeMs,
      fps: speed !== null && 'frameRate' in grid ? (speed * grid.frameRate.num) / grid.frameRate.den : null, speed,
      encoder: this.#options.recipe.kind === 'video' ? this.#encoder : 'aac', detail: this.#detail,
    };
  }

  async #live(): Promise<void> {
    try {
      await this.#encode();
      this.#end('ended', null);
    } catch (thrown) {
      const error = toError(thrown);
      if (this.#ctx.cancelled || error instanceof NotWanted) this.#end('ended', (this.#ctx.cause ?? error).message);
      else this.#end('failed', error.message);
    } finally {
      if (this.#proc) await this.#proc.terminate(this.#ctx.cause ?? new Finished());
      this.#ctx.end();
    }
  }

  #end(state: 'ended' | 'failed', detail: string | null): void {
    this.#state = state;
    this.#detail = detail ?? this.#detail;
    const { logger, renditionId, headId, input } = this.#options;
    logger[state === 'failed' ? 'warn' : 'info']({ headId, renditionId, from: input.from, next: this.#next, detail: this.#detail }, state === 'failed' ? 'head failed' : 'head ended');
  }

  /** Once more in software when a hardware encoder fails: the viewer gets the rest, and the report says so. */
  async #encode(): Promise<void> {
    try {
      await this.#run(this.#encoder, this.#options.input.from);
    } catch (thrown) {
      const error = toError(thrown);
      const isHardware = this.#options.recipe.kind === 'video' && this.#encoder !== SOFTWARE_ENCODER;
      if (!isHardware || this.#ctx.cancelled || error instanceof NotWanted) throw error;
      this.#detail = `${this.#encoder} failed (${error.message}); goes on with ${SOFTWARE_ENCODER}`;
      this.#options.onEncoderFailed(this.#encoder, error.message);
      this.#encoder = SOFTWARE_ENCODER;
      await this.#run(SOFTWARE_ENCODER, this.#next);
    }
  }

  async #run(encoder: string, from: number): Promise<void> {
    const { recipe, input, supervisor, ffmpegPath, owner, file } = this.#options;
    const proc = supervisor.spawn(this.#ctx, {
      name: `ffmpeg ${this.renditionId}`, argv0: ffmpegPath, args: headArgs(recipe, { ...input, encoder, from }), kind: 'interactive', owner, file, group: 'own',
      stdout: 'pipe', graceMs: discardGraceMs(encoder), stallMs: STALL_MS, isBackpressured: () => proc.stdout.isPaused(),
    });
    this.#proc = proc;
    proc.standBack(this.#published < IN_HAND[recipe.kind] ? AWAITED_NICE : IN_HAND_NICE);
    const segmenter = segmenterFor(recipe, from);
    const reader = new FragmentReader();
    const failed = new Promise<never>((_resolve, reject) => {
      proc.stdout.on('data', (chunk: Buffer) => {
        proc.touch();
        try {
          this.#take(reader.push(chunk), segmenter, reject);
        } catch (error) {
          reject(toError(error));
        }
      });
    });
    const closed = new Promise<void>((resolve) => {
      proc.stdout.once('close', resolve);
    });
    const exit = await Promise.race([proc.exit, failed]);
    if (exit.kind !== 'spawnError') await Promise.race([closed, failed]);
    await Promise.race([this.#queue, failed]);
    this.#ctx.throwIfCancelled();
    if (exit.kind !== 'code' || exit.code !== 0) throw new Error(diagnose(proc.stderrTail(), exit).message);
    if (this.#next < this.#count) throw new Error(`the encoder ended after segment ${this.#next - 1} of ${this.#count}`);
  }

  #take(pieces: ReturnType<FragmentReader['push']>, segmenter: Segmenter, fail: (error: Error) => void): void {
    for (const piece of pieces) {
      if (piece.kind === 'init') {
        if (!this.#initSent) this.#enqueue('init', piece.bytes, fail);
        this.#initSent = true;
        continue;
      }
      const segment = segmenter.take(piece);
      if (segment !== null) this.#publish(segment, fail);
    }
  }

  #publish({ n, bytes }: Segment, fail: (error: Error) => void): void {
    this.#enqueue(String(n), bytes, fail, () => {
      this.#next = n + 1;
      this.#published += 1;
      if (this.#state === 'starting') this.#state = 'running';
      if (this.#published === IN_HAND[this.#options.recipe.kind]) this.#proc?.standBack(IN_HAND_NICE);
    });
    if (n + 1 >= this.#until) this.#pause();
  }

  #enqueue(name: string, bytes: Uint8Array, fail: (error: Error) => void, done: () => void = () => {}): void {
    this.#queued += 1;
    this.#queue = this.#sendAfter(this.#queue, { name, bytes, fail, done });
    // A gateway that takes segments slower than they are made: a few wait here, the rest in the pipe.
    if (this.#queued >= MAX_QUEUED) this.#proc?.stdout.pause();
  }

  async #sendAfter(earlier: Promise<void>, { name, bytes, fail, done }: { name: string; bytes: Uint8Array; fail: (error: Error) => void; done: () => void }): Promise<void> {
    await earlier;
    try {
      if (this.#unwanted) return;
      await this.#options.publisher.publish(name, bytes);
      done();
    } catch (error) {
      this.#unwanted ||= error instanceof NotWanted;
      fail(toError(error));
    } finally {
      this.#queued -= 1;
      this.#resume();
    }
  }

  #pause(): void {
    if (this.#state === 'running' || this.#state === 'starting') this.#state = 'waiting';
    this.#proc?.stdout.pause();
  }

  #resume(): void {
    if (!this.alive || this.#queued >= MAX_QUEUED) return;
    const made = this.#next + Math.max(0, this.#queued);
    if (made >= this.#until) return;
    if (this.#state === 'waiting') this.#state = 'running';
    this.#proc?.stdout.resume();
  }
}
