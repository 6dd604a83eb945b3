/** Subtitles: the browser reads the file and keeps the time, this page draws the words (captions-view.tsx). */
import { signal } from '@preact/signals';
import type { PlaybackSubtitle } from '@reelay/contracts';
import { OFF } from './choices.ts';

/** Lines of words as they stand on the picture. */
export interface ShownCues {
  readonly top: readonly VTTCue[];
  readonly bottom: readonly VTTCue[];
}
const NO_CUES: ShownCues = { top: [], bottom: [] };

export class Captions {
  /** A track's id, or OFF. */
  readonly chosen = signal<string>(OFF);
  readonly shown = signal<ShownCues>(NO_CUES);
  readonly failed = signal(false);
  readonly #video: HTMLVideoElement;
  #element: HTMLTrackElement | null = null;
  #stop = new AbortController();

  constructor(video: HTMLVideoElement) {
    this.#video = video;
  }

  /** `track` null: off. */
  choose(track: PlaybackSubtitle | null): void {
    this.destroy();
    this.chosen.value = track?.id ?? OFF;
    this.failed.value = false;
    if (track === null) return;
    const element = document.createElement('track');
    element.kind = 'subtitles';
    element.label = track.label;
    if (track.language !== null) element.srclang = track.language;
    element.src = track.url;
    this.#element = element;
    this.#stop = new AbortController();
    const { signal: stopped } = this.#stop;
    element.addEventListener('error', () => { this.failed.value = true; }, { signal: stopped });
    element.addEventListener('load', () => this.#draw(), { signal: stopped });
    element.track.addEventListener('cuechange', () => this.#draw(), { signal: stopped });
    // A window of its own, or the phone's full screen, shows the element alone: there the browser draws.
    for (const event of ['enterpictureinpicture', 'webkitbeginfullscreen']) this.#video.addEventListener(event, () => { element.track.mode = 'showing'; }, { signal: stopped });
    for (const event of ['leavepictureinpicture', 'webkitendfullscreen']) this.#video.addEventListener(event, () => { element.track.mode = 'hidden'; }, { signal: stopped });
    this.#video.append(element);
    element.track.mode = 'hidden';
  }

  destroy(): void {
    this.#stop.abort();
    this.#element?.remove();
    this.#element = null;
    this.shown.value = NO_CUES;
  }

  #draw(): void {
    const cues = [...(this.#element?.track.activeCues ?? [])].filter((cue): cue is VTTCue => cue instanceof VTTCue);
    this.shown.value = { top: cues.filter(isAtTop), bottom: cues.filter((cue) => !isAtTop(cue)) };
  }
}

/** A cue that was moved up by whoever made it: below it something is written on the picture. */
const isAtTop = ({ line, snapToLines }: VTTCue): boolean => typeof line === 'number' && line >= 0 && (snapToLines ? line < 6 : line < 50);
