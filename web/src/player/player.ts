/**
 * Plays one video: picks the source for what was chosen, opens an engine for it, and takes the steps of recovery.ts.
 *
 *   opening ─▶ playing ◀─▶ waiting (a try is planned) ─▶ stopped ── tryAgain ─▶ opening
 *      ▲          │                │
 *      └── another source, quality or sound track: same place, same speed, playing or not as before
 */
import { batch, signal } from '@preact/signals';
import type { Playback } from '@reelay/contracts';
import { reloadForCode } from '../components/new-page.ts';
import { AUTO, ORIGINAL, firstAudio, firstQuality } from './choices.ts';
import { elementEngine } from './element-engine.ts';
import type { Engine, EngineEvents, EngineFigures, OpenOptions } from './engine.ts';
import { readPreferences } from './preferences.ts';
import type { Step, Tried, Trouble } from './recovery.ts';
import { NOTHING_TRIED, afterStep, nextStep, troubleOf } from './recovery.ts';
import type { Source } from './sources.ts';
import { isEncoded, renditionFor, signedUrlOf, sourcesFor, urlOf } from './sources.ts';

export type PlayerState =
  | { readonly kind: 'opening' | 'playing' }
  | { readonly kind: 'waiting'; readonly trouble: Trouble; readonly retryAtMs: number }
  | { readonly kind: 'stopped'; readonly trouble: Trouble };

export interface PlayerDeps {
  /** A fresh answer from the gateway, for when the file was replaced. */
  readonly askAgain: () => Promise<Playback>;
  readonly onSignedOut: () => void;
  /** Before the picture goes away for a moment. */
  readonly onReopen: () => void;
}

/** After so much untroubled playing the ladder starts from the bottom again. */
const CALM_SECONDS = 20;
const HLS_TYPE = 'application/vnd.apple.mpegurl';

export class Player {
  readonly state = signal<PlayerState>({ kind: 'opening' });
  readonly playback;
  readonly source = signal<Source>('segments');
  /** What was chosen: AUTO, ORIGINAL or a rendition. */
  readonly quality;
  /** What is shown. */
  readonly rendition = signal<string | null>(null);
  readonly audio;
  /** This browser could not play the file's own pictures. */
  readonly fellBack = signal(false);
  /** Whether renditions can be chosen here. */
  readonly picks = signal(true);
  readonly #video: HTMLVideoElement;
  readonly #deps: PlayerDeps;
  #engine: Engine | null = null;
  #tried: Tried = NOTHING_TRIED;
  #failed = new Set<Source>();
  /** Where the viewer is: the element forgets when its address changes. */
  #seconds = 0;
  #wantsPlaying = false;
  #opening = false;
  #troubleAtSeconds = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #openings = 0;
  readonly #gone = new AbortController();

  constructor(video: HTMLVideoElement, playback: Playback, deps: PlayerDeps) {
    this.#video = video;
    this.#deps = deps;
    this.playback = signal(playback);
    this.quality = signal(firstQuality(playback));
    this.audio = signal(firstAudio(playback.audioTracks, readPreferences().audio)?.id ?? null);
    this.#watch();
  }

  /** @param startSeconds where to begin; @param play whether to play at once, where the browser lets a page do that */
  async open(startSeconds: number, play: boolean): Promise<void> {
    this.#seconds = startSeconds;
    this.#wantsPlaying = play;
    await this.#open();
  }

  setQuality(id: string): void {
    if (id === this.quality.peek()) return;
    this.quality.value = id;
    this.#chosenAnew();
    const source = this.source.peek();
    if (this.#engine?.picks === true && this.#sources()[0] === source) this.#engine.setRendition(renditionFor(source, id, this.#rungs()));
    else void this.#open();
  }

  setAudio(id: string): void {
    if (id === this.audio.peek()) return;
    this.audio.value = id;
    this.#chosenAnew();
    if (this.#engine?.picks === true && this.#sources()[0] === this.source.peek()) this.#engine.setAudio(id);
    else void this.#open();
  }

  figures(): EngineFigures | null {
    return this.#engine?.figures() ?? null;
  }

  /** By hand: at once, and from the bottom of the ladder. */
  tryAgain(): void {
    clearTimeout(this.#timer);
    const wasStopped = this.state.peek().kind === 'stopped';
    this.#tried = NOTHING_TRIED;
    this.#failed = new Set();
    if (wasStopped) void this.#open();
    else this.#engine?.retry();
  }

  destroy(): void {
    clearTimeout(this.#timer);
    this.#gone.abort();
    this.#engine?.destroy();
    this.#engine = null;
  }

  #sources(): Source[] {
    const playback = this.playback.peek();
    const chosen = playback.audioTracks.find(({ id }) => id === this.audio.peek());
    return sourcesFor(playback, this.quality.peek(), chosen !== undefined && !chosen.isDefault, this.#failed);
  }

  #rungs(): string[] {
    return this.playback.peek().renditions.filter(({ mode }) => mode === 'encode').map(({ id }) => id);
  }

  /** A choice by hand may succeed where something failed before. */
  #chosenAnew(): void {
    this.#failed = new Set();
    this.#tried = NOTHING_TRIED;
  }

  async #open(): Promise<void> {
    clearTimeout(this.#timer);
    const source = this.#sources()[0];
    const url = source === undefined ? null : urlOf(this.playback.peek(), source);
    if (source === undefined || url === null) {
      this.#stop({ fault: 'unsupported', sentence: null, retryAfterSeconds: null });
      return;
    }
    this.#openings += 1;
    const opening = this.#openings;
    this.#opening = true;
    if (this.#engine !== null) this.#deps.onReopen();
    this.#engine?.destroy();
    this.#engine = null;
    // When the original gave way to encoded renditions, it is by bandwidth.
    const fellBack = source === 'ladder' && this.quality.peek() === ORIGINAL;
    batch(() => {
      if (fellBack) this.quality.value = AUTO;
      this.fellBack.value = fellBack || (source === 'ladder' && this.#failed.size > 0);
      this.state.value = { kind: 'opening' };
      this.source.value = source;
      this.rendition.value = isEncoded(this.playback.peek(), source) ? null : ORIGINAL;
    });
    // An address takes the element's speed away.
    this.#video.defaultPlaybackRate = this.#video.playbackRate;
    const engine = await openEngine(source, signedUrlOf(this.playback.peek(), source) ?? url, {
      video: this.#video, url, startSeconds: this.#seconds, isEncoded: isEncoded(this.playback.peek(), source), renditionId: renditionFor(source, this.quality.peek(), this.#rungs()), audioId: this.audio.peek(), events: this.#events(opening, source),
    });
    if (this.#gone.signal.aborted || opening !== this.#openings) {
      if (!('fault' in engine)) engine.destroy();
      return;
    }
    this.#opening = false;
    if ('fault' in engine) {
      this.#trouble(engine);
      return;
    }
    this.#engine = engine;
    this.picks.value = engine.picks || source === 'file';
    if (this.#wantsPlaying) void this.#video.play().catch(() => {});
  }

  #events(opening: number, source: Source): EngineEvents {
    return {
      onTrouble: (trouble) => {
        if (opening === this.#openings) this.#trouble(trouble);
      },
      onData: () => {
        if (opening === this.#openings) this.#data();
      },
      onRendition: (id) => {
        if (opening === this.#openings && isEncoded(this.playback.peek(), source)) this.rendition.value = id;
      },
    };
  }

  #watch(): void {
    const on = (event: keyof HTMLMediaElementEventMap, run: () => void): void => this.#video.addEventListener(event, run, { signal: this.#gone.signal });
    on('loadeddata', () => this.#data());
    on('play', () => { this.#wantsPlaying = true; });
    on('pause', () => {
      if (!this.#opening && this.#video.error === null) this.#wantsPlaying = false;
    });
    on('timeupdate', () => {
      const { currentTime, readyState, error } = this.#video;
      if (this.#opening || error !== null || readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
      this.#seconds = currentTime;
      if (currentTime > this.#troubleAtSeconds + CALM_SECONDS) this.#tried = NOTHING_TRIED;
    });
    on('seeking', () => {
      if (!this.#opening && this.#video.error === null && this.#video.readyState > HTMLMediaElement.HAVE_NOTHING) this.#seconds = this.#video.currentTime;
    });
  }

  #data(): void {
    const { kind } = this.state.peek();
    if (kind === 'stopped' || (kind === 'waiting' && this.#timer !== undefined)) return;
    this.#tried = { ...this.#tried, retries: 0 };
    if (kind !== 'playing') this.state.value = { kind: 'playing' };
  }

  #trouble(trouble: Trouble): void {
    const { kind } = this.state.peek();
    // One try at a time: pictures and sound often fail together.
    if (this.#gone.signal.aborted || kind === 'stopped' || (kind === 'waiting' && this.#timer !== undefined)) return;
    const step = nextStep(trouble, this.#tried, this.#sources().length > 1);
    this.#tried = afterStep(this.#tried, step);
    this.#troubleAtSeconds = this.#seconds;
    this.#take(step, trouble);
  }

  #take(step: Step, trouble: Trouble): void {
    switch (step.do) {
      case 'retry':
        this.#later(trouble, step.delayMs, () => {
          if (this.#engine === null) void this.#open();
          else this.#engine.retry();
        });
        break;
      case 'restart':
        this.#engine?.restart(step.swapAudio);
        break;
      case 'next-source':
        this.#failed.add(this.source.peek());
        void this.#open();
        break;
      case 'ask-again':
        void this.#askAgain(trouble);
        break;
      case 'sign-in':
        this.#deps.onSignedOut();
        this.#stop(trouble);
        break;
      case 'stop':
        this.#stop(trouble);
        break;
    }
  }

  #later(trouble: Trouble, delayMs: number, run: () => void): void {
    clearTimeout(this.#timer);
    this.state.value = { kind: 'waiting', trouble, retryAtMs: Date.now() + delayMs };
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      run();
    }, delayMs);
  }

  async #askAgain(trouble: Trouble): Promise<void> {
    try {
      const playback = await this.#deps.askAgain();
      if (this.#gone.signal.aborted) return;
      this.playback.value = playback;
      if (playback.mode === 'none') this.#stop({ ...trouble, sentence: playback.reason });
      else await this.#open();
    } catch {
      this.#trouble(troubleOf(0));
    }
  }

  #stop(trouble: Trouble): void {
    clearTimeout(this.#timer);
    this.state.value = { kind: 'stopped', trouble };
  }
}

/** The code of the engine for segments could not be had. */
let failedBefore = false;

/** An engine for a source, or why there is none. */
async function openEngine(source: Source, signedUrl: string, options: OpenOptions): Promise<Engine | Trouble> {
  if (source === 'file') return elementEngine(options);
  const isNative = options.video.canPlayType(HLS_TYPE) !== '';
  try {
    const { hlsEngine, hlsWorks } = await import('./hls-engine.ts');
    if (hlsWorks()) return hlsEngine(options);
  } catch {
    if (!isNative) {
      // Some browsers ask again, and the place and the leave to play aloud need not be lost.
      if (failedBefore) await reloadForCode();
      failedBefore = true;
      return troubleOf(0);
    }
  }
  return isNative ? elementEngine({ ...options, url: signedUrl }) : { fault: 'unsupported', sentence: null, retryAfterSeconds: null };
}
