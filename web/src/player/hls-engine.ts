/** Segments by hls.js. This module is loaded only when a video is played this way: it is three quarters of the client. */
import type { ErrorData } from 'hls.js';
import HlsPlayer, { ErrorDetails, ErrorTypes, Events } from 'hls.js';
import type { Engine, OpenOptions } from './engine.ts';
import { HlsClimb } from './hls-climb.ts';
import { hlsOptions } from './hls-config.ts';
import { troubleFrom } from './read-trouble.ts';
import type { Trouble } from './recovery.ts';

// oxlint-disable-next-line import/no-named-as-default-member -- the named export has no type
export const hlsWorks = (): boolean => HlsPlayer.isSupported();

/** The rendition in the address of its playlist: `…/h360/index.m3u8` is h360. */
const renditionIn = (url: string): string => /\/([a-z]\d+)\/index\.m3u8/.exec(url)?.[1] ?? '';

export const hlsEngine = (options: OpenOptions): Engine => new HlsEngine(options);

class HlsEngine implements Engine {
  readonly picks = true;
  readonly #hls: HlsPlayer;
  readonly #options: OpenOptions;
  readonly #climb: HlsClimb | null;
  #renditionId: string | null;
  #audioId: string | null;
  #parsed = false;
  #begun = false;
  #destroyed = false;

  constructor(options: OpenOptions) {
    this.#options = options;
    this.#renditionId = options.renditionId;
    this.#audioId = options.audioId;
    const hls = new HlsPlayer({ ...hlsOptions, startPosition: options.startSeconds });
    this.#hls = hls;
    this.#climb = options.isEncoded ? new HlsClimb(hls, options.video) : null;
    hls.on(Events.MANIFEST_PARSED, () => this.#start());
    hls.on(Events.AUDIO_TRACKS_UPDATED, () => this.#applyAudio());
    hls.on(Events.FRAG_BUFFERED, () => {
      this.#begun = true;
      options.events.onData();
    });
    hls.on(Events.LEVEL_SWITCHED, (_event, { level }) => options.events.onRendition(renditionIn(hls.levels[level]?.uri ?? '')));
    hls.on(Events.ERROR, (_event, error) => this.#onError(error));
    hls.attachMedia(options.video);
    hls.loadSource(options.url);
  }

  retry(): void {
    if (!this.#parsed) this.#hls.loadSource(this.#options.url);
    else this.#hls.startLoad(this.#begun ? -1 : this.#options.startSeconds);
  }

  restart(swapAudio: boolean): void {
    const wasPlaying = !this.#options.video.paused;
    if (swapAudio) this.#hls.swapAudioCodec();
    this.#hls.recoverMediaError();
    if (wasPlaying) void this.#options.video.play().catch(() => {});
  }

  setRendition(id: string | null): void {
    this.#renditionId = id;
    if (this.#parsed) this.#hls.nextLevel = this.#levelOf(id);
  }

  setAudio(id: string): void {
    this.#audioId = id;
    this.#applyAudio();
  }

  figures(): ReturnType<Engine['figures']> {
    const { bandwidthEstimate, levels, currentLevel } = this.#hls;
    const { videoCodec, audioCodec } = levels[currentLevel] ?? {};
    return {
      bandwidthKbps: this.#begun && Number.isFinite(bandwidthEstimate) ? bandwidthEstimate / 1000 : null,
      codecs: [videoCodec, audioCodec].filter((codec) => codec !== undefined && codec !== '').join(', ') || null,
      library: `hls.js ${HlsPlayer.version}`,
    };
  }

  destroy(): void {
    this.#destroyed = true;
    this.#hls.destroy();
  }

  #start(): void {
    this.#parsed = true;
    // Else it would load those that the playlist names as default.
    this.#hls.subtitleTrack = -1;
    this.#climb?.start();
    const level = this.#levelOf(this.#renditionId);
    if (level >= 0) {
      this.#hls.startLevel = level;
      this.#hls.loadLevel = level;
    }
    this.#applyAudio();
    this.#hls.startLoad(this.#options.startSeconds);
  }

  #levelOf(id: string | null): number {
    return id === null ? -1 : this.#hls.levels.findIndex(({ uri }) => renditionIn(uri) === id);
  }

  #applyAudio(): void {
    const at = this.#hls.audioTracks.findIndex(({ url }) => renditionIn(url) === this.#audioId);
    if (at >= 0 && at !== this.#hls.audioTrack) this.#hls.audioTrack = at;
  }

  #onError(error: ErrorData): void {
    const trouble = troubleOf(error);
    if (trouble === null) return;
    // Later: hls.js itself has not finished with this error.
    setTimeout(() => {
      if (this.#destroyed) return;
      if (error.type === ErrorTypes.NETWORK_ERROR) this.#hls.stopLoad();
      this.#options.events.onTrouble(trouble);
    });
  }
}

/** Null: hls.js mends it by itself. */
function troubleOf(error: ErrorData): Trouble | null {
  const { type, details, fatal } = error;
  if (type === ErrorTypes.NETWORK_ERROR && (fatal || isLoading(details))) return answerIn(error);
  if (!fatal) return null;
  const isCodec = details === ErrorDetails.MANIFEST_INCOMPATIBLE_CODECS_ERROR || details === ErrorDetails.BUFFER_ADD_CODEC_ERROR || details === ErrorDetails.BUFFER_INCOMPATIBLE_CODECS_ERROR;
  return { fault: isCodec ? 'unsupported' : 'decode', sentence: null, retryAfterSeconds: null };
}

const LOADING: ReadonlySet<ErrorDetails> = new Set([
  ErrorDetails.FRAG_LOAD_ERROR, ErrorDetails.FRAG_LOAD_TIMEOUT, ErrorDetails.LEVEL_LOAD_ERROR, ErrorDetails.LEVEL_LOAD_TIMEOUT,
  ErrorDetails.AUDIO_TRACK_LOAD_ERROR, ErrorDetails.AUDIO_TRACK_LOAD_TIMEOUT,
]);
const isLoading = (details: ErrorDetails): boolean => LOADING.has(details);

/** The answer as it came; hls.js itself keeps only its status. */
function answerIn({ response, networkDetails }: ErrorData): Trouble {
  const status = response?.code ?? 0;
  if (!(networkDetails instanceof XMLHttpRequest) || status < 400) return troubleFrom(status < 400 ? 0 : status, '', null);
  const body: unknown = networkDetails.response;
  const text = body instanceof ArrayBuffer ? new TextDecoder().decode(body) : typeof body === 'string' ? body : '';
  return troubleFrom(status, text, networkDetails.getResponseHeader('retry-after'));
}
