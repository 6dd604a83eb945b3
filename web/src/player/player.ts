/**
 * Plays one video: opens an engine for the mode the gateway chose, and climbs the recovery ladder on faults.
 *
 *   opening ─▶ playing ◀─▶ recovering ─▶ stopped ── tryAgain ─▶ opening
 */
import { signal } from '@preact/signals';
import type { Playback } from '@reelay/contracts';
import type { Engine, OnFault } from './engine.ts';
import { directEngine } from './engine.ts';
import type { Fault, Step, Tried } from './recovery.ts';
import { NOTHING_TRIED, afterStep, nextStep } from './recovery.ts';

export type PlayerState =
  | { readonly kind: 'opening' | 'playing' }
  | { readonly kind: 'recovering'; readonly text: string }
  | { readonly kind: 'stopped'; readonly fault: Fault };

/** After so much untroubled playing the ladder starts from the bottom again. */
const CALM_SECONDS = 20;
const HLS_TYPE = 'application/vnd.apple.mpegurl';

export class Player {
  readonly state = signal<PlayerState>({ kind: 'opening' });
  readonly #video: HTMLVideoElement;
  readonly #askAgain: () => Promise<Playback>;
  #playback: Playback;
  #engine: Engine | null = null;
  #tried: Tried = NOTHING_TRIED;
  #faultAtSeconds = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #gone = new AbortController();

  /** `askAgain` gets a fresh answer from the gateway, for when the file was replaced. */
  constructor(video: HTMLVideoElement, playback: Playback, askAgain: () => Promise<Playback>) {
    this.#video = video;
    this.#playback = playback;
    this.#askAgain = askAgain;
    const { signal: gone } = this.#gone;
    video.addEventListener('playing', () => this.#calm(), { signal: gone });
    video.addEventListener('loadeddata', () => this.#calm(), { signal: gone });
    video.addEventListener('timeupdate', () => {
      if (video.currentTime > this.#faultAtSeconds + CALM_SECONDS) this.#tried = { ...NOTHING_TRIED, switched: this.#tried.switched };
    }, { signal: gone });
  }

  /** @param startSeconds where to begin */
  async open(startSeconds: number): Promise<void> {
    this.#engine?.destroy();
    this.#engine = null;
    this.state.value = { kind: 'opening' };
    const { fileUrl, masterUrl } = this.#playback;
    const segmented = this.#segmented();
    const url = segmented ? masterUrl : fileUrl;
    if (url === null) {
      this.state.value = { kind: 'stopped', fault: 'unsupported' };
      return;
    }
    const onFault: OnFault = (fault) => this.#fault(fault);
    const engine = segmented ? await openSegments(this.#video, url, startSeconds, onFault) : directEngine(this.#video, url, startSeconds, onFault);
    if (typeof engine === 'string') this.state.value = { kind: 'stopped', fault: engine };
    else if (this.#gone.signal.aborted) engine.destroy();
    else this.#engine = engine;
  }

  tryAgain(): void {
    this.#tried = NOTHING_TRIED;
    void this.open(this.#video.currentTime);
  }

  destroy(): void {
    clearTimeout(this.#timer);
    this.#gone.abort();
    this.#engine?.destroy();
    this.#engine = null;
  }

  /** Whether segments are played now: the gateway's choice, or the other way after a switch. */
  #segmented(): boolean {
    return (this.#playback.mode === 'direct') === this.#tried.switched;
  }

  #calm(): void {
    if (this.state.value.kind !== 'stopped') this.state.value = { kind: 'playing' };
  }

  #fault(fault: Fault): void {
    if (this.#gone.signal.aborted || this.state.value.kind === 'stopped') return;
    const other = this.#segmented() ? this.#playback.fileUrl : this.#playback.masterUrl;
    const step = nextStep(fault, this.#tried, other !== null);
    this.#tried = afterStep(this.#tried, step);
    this.#faultAtSeconds = this.#video.currentTime;
    this.#take(step);
  }

  #take(step: Step): void {
    switch (step.do) {
      case 'retry':
        this.state.value = { kind: 'recovering', text: `The connection broke. Trying again in ${step.delayMs / 1000} s.` };
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#engine?.retry(), step.delayMs);
        break;
      case 'recover':
        this.state.value = { kind: 'recovering', text: 'The decoder stopped. Starting it again.' };
        this.#engine?.recover();
        break;
      case 'switch':
        void this.open(this.#video.currentTime);
        break;
      case 'reload':
        this.#askAgain().then((playback) => {
          this.#playback = playback;
          return this.open(this.#video.currentTime);
        }).catch(() => {
          this.state.value = { kind: 'stopped', fault: 'gone' };
        });
        break;
      case 'stop':
        this.state.value = { kind: 'stopped', fault: step.fault };
        break;
    }
  }
}

/** An engine for segments, or why there is none. */
async function openSegments(video: HTMLVideoElement, url: string, startSeconds: number, onFault: OnFault): Promise<Engine | Fault> {
  const native = video.canPlayType(HLS_TYPE) !== '';
  try {
    const { hlsEngine, hlsWorks } = await import('./hls-engine.ts');
    if (hlsWorks()) return hlsEngine(video, url, startSeconds, onFault);
  } catch {
    if (!native) return 'network';
  }
  return native ? directEngine(video, url, startSeconds, onFault) : 'unsupported';
}
