/** What the <video> element is at, as signals. */
import { signal } from '@preact/signals';

type Range = readonly [startSeconds: number, endSeconds: number];

export interface ElementState {
  readonly paused: boolean;
  readonly ended: boolean;
  /** It would play, and has nothing to show. */
  readonly starved: boolean;
  /** There was a picture since the address was set. */
  readonly hasPicture: boolean;
  readonly volume: number;
  readonly muted: boolean;
  readonly speed: number;
  readonly loop: boolean;
}

const EVENTS = ['play', 'pause', 'playing', 'ended', 'waiting', 'stalled', 'canplay', 'loadeddata', 'emptied', 'seeking', 'seeked', 'volumechange', 'ratechange', 'durationchange'] as const;

const stateOf = (video: HTMLVideoElement): ElementState => ({
  paused: video.paused, ended: video.ended, volume: video.volume, muted: video.muted, speed: video.playbackRate, loop: video.loop,
  hasPicture: video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA,
  starved: video.readyState < (video.paused ? HTMLMediaElement.HAVE_CURRENT_DATA : HTMLMediaElement.HAVE_FUTURE_DATA) && !video.ended,
});

export class WatchedElement {
  readonly state = signal<ElementState>({ paused: true, ended: false, starved: false, hasPicture: false, volume: 1, muted: false, speed: 1, loop: false });
  readonly seconds = signal(0);
  /** 0 until the element knows. */
  readonly durationSeconds = signal(0);
  readonly buffered = signal<readonly Range[]>([]);
  readonly #gone = new AbortController();

  constructor(readonly video: HTMLVideoElement) {
    const { signal: gone } = this.#gone;
    for (const event of EVENTS) video.addEventListener(event, () => this.update(), { signal: gone });
    for (const event of ['timeupdate', 'progress'] as const) video.addEventListener(event, () => this.#move(), { signal: gone });
    this.update();
  }

  /** Reads it anew, for what no event tells (loop). */
  update(): void {
    const next = stateOf(this.video);
    const before = this.state.peek();
    const names = Object.keys(next) as (keyof ElementState)[];
    if (names.some((name) => next[name] !== before[name])) this.state.value = next;
    this.#move();
  }

  destroy(): void {
    this.#gone.abort();
  }

  #move(): void {
    const { video } = this;
    if (Number.isFinite(video.duration)) this.durationSeconds.value = video.duration;
    // Without data the element is at 0, which is not where the viewer is.
    if (video.readyState > HTMLMediaElement.HAVE_NOTHING) this.seconds.value = video.currentTime;
    const ranges: Range[] = [];
    for (let index = 0; index < video.buffered.length; index += 1) ranges.push([video.buffered.start(index), video.buffered.end(index)]);
    this.buffered.value = ranges;
  }
}

/** Seconds of data ahead of a place. */
export function bufferedAhead(ranges: readonly Range[], seconds: number): number {
  const range = ranges.find(([start, end]) => start <= seconds + 0.1 && end >= seconds);
  return range === undefined ? 0 : Math.max(0, range[1] - seconds);
}
