/** Everything that can be done to what plays, by buttons and keys alike. What a deed did is returned in words, and said on the picture. */
import { batch, computed, signal } from '@preact/signals';
import type { Playback, PlaybackSubtitle, Video } from '@reelay/contracts';
import { clock } from '../model/format.ts';
import { Captions } from './captions.ts';
import { OFF, audioChoices, firstSubtitle, qualityChoices, qualityShown, speedAfter, subtitleChoices } from './choices.ts';
import { WatchedElement } from './element-state.ts';
import { languageOf } from './languages.ts';
import type { PlayerDeps } from './player.ts';
import { Player } from './player.ts';
import { prefer, readPreferences } from './preferences.ts';

const ECHO_MS = 1100;

export class Deck {
  readonly watched: WatchedElement;
  readonly player: Player;
  readonly captions: Captions;
  readonly isStatsOpen = signal(false);
  readonly isHelpOpen = signal(false);
  /** What the last deed did. */
  readonly said = signal('');
  readonly durationSeconds;
  #lastSubtitle: PlaybackSubtitle | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #gone = new AbortController();

  constructor(readonly element: HTMLVideoElement, readonly frame: HTMLElement, readonly video: Video, playback: Playback, deps: PlayerDeps) {
    const { volume, muted, speed, subtitles } = readPreferences();
    element.volume = volume;
    element.muted = muted;
    element.defaultPlaybackRate = speed;
    element.playbackRate = speed;
    this.watched = new WatchedElement(element);
    this.player = new Player(element, playback, deps);
    this.captions = new Captions(element);
    this.durationSeconds = computed(() => this.watched.durationSeconds.value || (this.player.playback.value.durationSeconds ?? 0));
    const audio = playback.audioTracks.find(({ id }) => id === this.player.audio.peek());
    this.captions.choose(firstSubtitle(playback.subtitles, subtitles, audio?.language ?? null));
    const { signal: gone } = this.#gone;
    element.addEventListener('volumechange', () => prefer({ volume: element.volume, muted: element.muted }), { signal: gone });
    addEventListener('online', () => {
      if (this.player.state.peek().kind === 'waiting') this.player.tryAgain();
    }, { signal: gone });
  }

  destroy(): void {
    clearTimeout(this.#timer);
    this.#gone.abort();
    this.captions.destroy();
    this.watched.destroy();
    this.player.destroy();
  }

  say(text: string): void {
    if (text === '') return;
    this.said.value = text;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => { this.said.value = ''; }, ECHO_MS);
  }

  playOrPause(): string {
    const { element } = this;
    if (!element.paused) {
      element.pause();
      return 'Paused';
    }
    void element.play().catch(() => {});
    return 'Playing';
  }

  /** @returns where it went to */
  seekTo(seconds: number): string {
    const to = Math.max(0, Math.min(this.durationSeconds.peek(), seconds));
    this.element.currentTime = to;
    batch(() => {
      this.watched.seconds.value = to;
    });
    return clock(to);
  }

  seekBy(seconds: number): string {
    this.seekTo(this.element.currentTime + seconds);
    return `${seconds > 0 ? '+' : '−'}${Math.abs(seconds)} s`;
  }

  setVolume(volume: number): string {
    this.element.muted = false;
    this.element.volume = Math.max(0, Math.min(1, Math.round(volume * 100) / 100));
    return `Volume ${Math.round(this.element.volume * 100)}%`;
  }

  mute(): string {
    this.element.muted = !this.element.muted;
    return this.element.muted ? 'Sound off' : 'Sound on';
  }

  setSpeed(speed: number): string {
    this.element.playbackRate = speed;
    this.element.defaultPlaybackRate = speed;
    prefer({ speed });
    return `Speed ${speed}×`;
  }

  speedBy(steps: 1 | -1): string {
    return this.setSpeed(speedAfter(this.element.playbackRate, steps));
  }

  step(frames: 1 | -1): string {
    if (!this.element.paused) return '';
    this.seekTo(this.element.currentTime + frames / (this.video.frameRate ?? 25));
    return frames > 0 ? 'One frame on' : 'One frame back';
  }

  setQuality(id: string): string {
    this.player.setQuality(id);
    const playback = this.player.playback.peek();
    return `Quality ${qualityChoices(playback, true).find((choice) => choice.id === id)?.label ?? qualityShown(playback, id, null)}`;
  }

  setAudio(id: string): string {
    const track = this.player.playback.peek().audioTracks.find((candidate) => candidate.id === id);
    if (track === undefined) return '';
    this.player.setAudio(id);
    prefer({ audio: languageOf(track.language) });
    return `Sound: ${audioChoices([track])[0]?.label ?? id}`;
  }

  /** @param id a track's, or OFF */
  setSubtitles(id: string): string {
    const track = this.player.playback.peek().subtitles.find((candidate) => candidate.id === id) ?? null;
    if (track !== null) this.#lastSubtitle = track;
    this.captions.choose(track);
    prefer({ subtitles: track === null ? OFF : languageOf(track.language) });
    return track === null ? 'Subtitles off' : `Subtitles: ${subtitleChoices([track])[1]?.label ?? id}`;
  }

  toggleSubtitles(): string {
    const { subtitles } = this.player.playback.peek();
    if (subtitles.length === 0) return 'This video has no subtitles';
    if (this.captions.chosen.peek() !== OFF) return this.setSubtitles(OFF);
    const track = subtitles.find((candidate) => candidate.id === this.#lastSubtitle?.id) ?? firstSubtitle(subtitles, navigator.language, null) ?? subtitles[0];
    return this.setSubtitles(track?.id ?? OFF);
  }

  nextAudio(): string {
    const { audioTracks } = this.player.playback.peek();
    if (audioTracks.length < 2) return audioTracks.length === 0 ? 'This video has no sound' : 'There is one sound track';
    const at = audioTracks.findIndex(({ id }) => id === this.player.audio.peek());
    return this.setAudio(audioTracks[(at + 1) % audioTracks.length]?.id ?? '');
  }

  toggleLoop(): string {
    this.element.loop = !this.element.loop;
    this.watched.update();
    return this.element.loop ? 'Repeat on' : 'Repeat off';
  }

  toggleStats(): string {
    this.isStatsOpen.value = !this.isStatsOpen.peek();
    return this.isStatsOpen.peek() ? 'Statistics shown' : 'Statistics hidden';
  }

  fullScreen(): string {
    const { element, frame } = this;
    if (document.fullscreenElement !== null) void document.exitFullscreen().catch(() => {});
    else if (typeof frame.requestFullscreen === 'function') void frame.requestFullscreen().catch(() => {});
    else if ('webkitEnterFullscreen' in element && typeof element.webkitEnterFullscreen === 'function') element.webkitEnterFullscreen();
    return '';
  }

  pictureInPicture(): string {
    if (document.pictureInPictureElement !== null) void document.exitPictureInPicture().catch(() => {});
    else if (document.pictureInPictureEnabled) this.element.requestPictureInPicture().catch(() => this.say('The browser did not open a picture in picture'));
    else return 'No picture in picture here';
    return '';
  }
}
