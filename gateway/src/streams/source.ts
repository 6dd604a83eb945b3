import type { SubtitleTrack } from '@reelay/contracts';
import type { Ctx } from '@reelay/runtime';
import type { VideoRow } from '@reelay/store';
import type { Piece, PieceFile } from '../cache/piece.ts';
import type { GatewayDeps } from '../deps.ts';
import { HttpProblem } from '../http/problem.ts';
import { encodedSource } from './encoded-source.ts';
import { remuxSource } from './remux-source.ts';

interface SourceRendition {
  readonly id: string;
  readonly segments: number;
  readonly contentType: string;
}

/** Who asks for a piece, and for how long. */
export interface Viewing {
  readonly viewer: string;
  readonly ctx: Ctx;
}

/** A stream of a video: cut from its file, or encoded. Both are asked the same way. */
export interface StreamSource {
  readonly version: string;
  readonly renditions: readonly SourceRendition[];
  /** What is 0 of the presentation, in seconds on the file's clock, and how long it is. */
  readonly originSeconds: number;
  readonly durationSeconds: number;
  masterPlaylist: (subtitles: readonly SubtitleTrack[]) => string;
  /** @throws unknown_rendition */
  mediaPlaylist: (renditionId: string) => string;
  /** The keyframes alone, for a playlist that lies beside the renditions' folders; null when there are none to be had. */
  iframePlaylist: (() => string) | null;
  /** An init segment or media segment. The request may end while others still wait for the piece. */
  piece: (renditionId: string, name: 'init' | number, viewing: Viewing) => Promise<Piece | PieceFile>;
  /** Null when it would have to be made. */
  cached: (renditionId: string, name: 'init' | number) => Promise<Piece | PieceFile | null>;
}

/** Versions of encoded streams begin with a letter that no hash of a cut stream has. */
const ENCODED_VERSION = /^t[0-9a-f]{15}$/;

/** The stream behind a URL. @throws HttpProblem version_gone, not_playable; what opening it throws */
export const openSource = async (deps: GatewayDeps, video: VideoRow, version: string, ctx: Ctx): Promise<StreamSource> => {
  const source = ENCODED_VERSION.test(version) ? await encodedSource(deps, video) : await remuxSource(deps, video);
  ctx.throwIfCancelled();
  if (source.version !== version) throw new HttpProblem('version_gone', 'The video changed: ask for its playback again');
  return source;
};
