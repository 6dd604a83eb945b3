/** Auto of encoded renditions in hls.js: it chooses by bandwidth below a cap, which climb.ts sets. */
import type { ErrorData, Fragment, HlsListeners } from 'hls.js';
import type HlsPlayer from 'hls.js';
import { ErrorDetails, Events, PlaylistLevelType } from 'hls.js';
import type { Climb, Rung } from './climb.ts';
import { afterSegment, climbFrom, rungForSize, tooSlow } from './climb.ts';
import { bufferedAhead } from './element-state.ts';

export class HlsClimb {
  readonly #hls: HlsPlayer;
  readonly #video: HTMLVideoElement;
  #climb: Climb = climbFrom(0);
  #last: { level: number; sn: number } | null = null;

  constructor(hls: HlsPlayer, video: HTMLVideoElement) {
    this.#hls = hls;
    this.#video = video;
    hls.on(Events.FRAG_LOADED, (_event, data) => this.#onLoaded(data));
    hls.on(Events.ERROR, (_event, error) => this.#onStall(error));
  }

  /** Begins with the rung that the playlist names first: a low one. */
  start(): void {
    this.#climb = climbFrom(this.#hls.firstLevel);
    this.#hls.startLevel = this.#hls.firstLevel;
    this.#apply();
  }

  #onLoaded({ frag }: Parameters<HlsListeners[typeof Events.FRAG_LOADED]>[1]): void {
    if (frag.type !== PlaylistLevelType.MAIN || typeof frag.sn !== 'number') return;
    this.#climb = afterSegment(this.#climb, this.#rungs(), {
      rung: frag.level, loadMs: frag.stats.loading.end - frag.stats.loading.start, durationSeconds: frag.duration, bufferSeconds: this.#ahead(), nowMs: Date.now(),
      isFirst: this.#last === null || this.#last.level !== frag.level || this.#last.sn + 1 !== frag.sn,
    });
    this.#last = { level: frag.level, sn: frag.sn };
    leaveOutEncoder(frag);
    this.#apply();
  }

  #onStall({ details }: ErrorData): void {
    if (details !== ErrorDetails.BUFFER_STALLED_ERROR || this.#last === null) return;
    this.#climb = tooSlow(this.#climb, this.#last.level, Date.now());
    this.#apply();
  }

  #apply(): void {
    const { clientWidth, clientHeight } = this.#video;
    const bySize = rungForSize(this.#rungs(), clientWidth * devicePixelRatio, clientHeight * devicePixelRatio);
    this.#hls.autoLevelCapping = Math.max(0, Math.min(this.#climb.cap, bySize));
  }

  #rungs(): Rung[] {
    return this.#hls.levels.map(({ width, height }) => ({ width, height }));
  }

  #ahead(): number {
    const { buffered, currentTime } = this.#video;
    return bufferedAhead(Array.from({ length: buffered.length }, (_, index) => [buffered.start(index), buffered.end(index)] as const), currentTime);
  }
}

/** The wait for the first byte is the encoder's. For the bandwidth only the way over the network counts. */
function leaveOutEncoder({ stats: { loading } }: Fragment): void {
  loading.start = loading.first;
}
