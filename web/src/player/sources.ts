/** Where the pictures can come from, and in which order to try. Pure. */
import type { Playback } from '@reelay/contracts';
import { ORIGINAL } from './choices.ts';

/** `file`: as it is; `segments`: cut from it, or encoded when nothing else will do; `ladder`: encoded, of a video that would play as it is. */
export type Source = 'file' | 'segments' | 'ladder';

export const urlOf = ({ fileUrl, masterUrl, ladderUrl }: Playback, source: Source): string | null => ({ file: fileUrl, segments: masterUrl, ladder: ladderUrl })[source];

/** The same for whoever sends neither cookies nor headers of ours: a television that the browser hands the film to. Unsigned where nobody is signed in. */
export function signedUrlOf(playback: Playback, source: Source): string | null {
  const url = urlOf(playback, source);
  const { masterUrl, signedMasterUrl } = playback;
  if (url === null || masterUrl === null || signedMasterUrl?.endsWith(masterUrl) !== true) return url;
  return signedMasterUrl.slice(0, -masterUrl.length) + url;
}

/**
 * The sources for a quality, the best first. `otherAudio`: a sound track is wanted that the browser does not play of the
 * file itself. `failed`: what this browser could not play.
 */
export function sourcesFor(playback: Playback, quality: string, otherAudio: boolean, failed: ReadonlySet<Source>): Source[] {
  return orderFor(playback, quality, otherAudio).filter((source) => urlOf(playback, source) !== null && !failed.has(source));
}

function orderFor({ mode }: Playback, quality: string, otherAudio: boolean): readonly Source[] {
  if (mode === 'none') return [];
  if (mode === 'transcode') return ['segments'];
  if (otherAudio) return quality === ORIGINAL ? ['segments', 'ladder', 'file'] : ['ladder', 'segments', 'file'];
  const own: Source[] = mode === 'direct' ? ['file', 'segments'] : ['segments', 'file'];
  return quality === ORIGINAL ? [...own, 'ladder'] : ['ladder', ...own];
}

/** What a quality means to a source that has rungs: one of them, or null for its own choice. */
export const renditionFor = (source: Source, quality: string, rungs: readonly string[]): string | null =>
  (source !== 'file' && rungs.includes(quality) ? quality : null);

/** Whether what a source gives is encoded while somebody watches. */
export const isEncoded = ({ mode }: Pick<Playback, 'mode'>, source: Source): boolean => source === 'ladder' || (mode === 'transcode' && source === 'segments');
