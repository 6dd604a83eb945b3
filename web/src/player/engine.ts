/** One way of getting a video into the <video> element. Each reports trouble, and is told by the player what to do about it. */
import type { Trouble } from './recovery.ts';

export interface EngineEvents {
  /** Loading has stopped; `retry`, `restart` or another engine must follow. */
  readonly onTrouble: (trouble: Trouble) => void;
  /** Data came: whatever stood in the way is over. */
  readonly onData: () => void;
  /** The rendition that is shown from now on. */
  readonly onRendition: (id: string) => void;
}

export interface OpenOptions {
  readonly video: HTMLVideoElement;
  readonly url: string;
  readonly startSeconds: number;
  /** Segments are encoded while somebody watches. */
  readonly isEncoded: boolean;
  /** null: by bandwidth. */
  readonly renditionId: string | null;
  /** null: the file's default. */
  readonly audioId: string | null;
  readonly events: EngineEvents;
}

/** What only the engine knows, for the statistics. */
export interface EngineFigures {
  readonly bandwidthKbps: number | null;
  readonly codecs: string | null;
  readonly library: string;
}

export interface Engine {
  /** Whether `setRendition` and `setAudio` do something. */
  readonly picks: boolean;
  /** Loads on after a lost connection, at the place the viewer is at. */
  retry(): void;
  /** Starts the decoder again. `swapAudio`: as if the other kind of AAC were in the file. */
  restart(swapAudio: boolean): void;
  /** null: by bandwidth. Takes effect with the next segment. */
  setRendition(id: string | null): void;
  setAudio(id: string): void;
  figures(): EngineFigures;
  destroy(): void;
}
