import { type Cue, parseCues, shiftCues, type SubtitleTrack, writeCues } from '@reelay/contracts';
import { type SideFiles, type SubtitleFile } from '@reelay/store';
import type { GatewayDeps } from '../deps.ts';
import { HttpProblem } from '../http/problem.ts';
import { vodPlaylist } from '../packaging/playlist-lines.ts';
import { readPart, tagOfPath } from './side-file.ts';
import type { StreamSource } from './source.ts';

// Subtitles are stored on the clock of the video's file and served on the presentation's, whose 0 is the first picture.

/** Half a minute of dialogue is 2 KB: fewer requests than for pictures, and quickly there after a seek. */
const SEGMENT_SECONDS = 30;
/** The cues' clock is the segments' one: both begin with the first picture (RFC 8216, 3.5). */
const TIMESTAMP_MAP = 'X-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000';

type Timeline = Pick<StreamSource, 'version' | 'originSeconds' | 'durationSeconds'>;

/** The playlist of a track: segments `0.vtt`, `1.vtt`, … over the whole presentation. @throws HttpProblem segment_not_found */
export const subtitlePlaylist = (files: SideFiles, id: string, { durationSeconds }: Timeline): string => {
  trackOf(files, id);
  const durations = Array.from({ length: countOf(durationSeconds) }, (_, n) => Math.min(SEGMENT_SECONDS, durationSeconds - n * SEGMENT_SECONDS));
  return vodPlaylist({ targetDurationSeconds: Math.max(1, Math.round(Math.max(0, durations[0] ?? 0))), durations, initUri: null, suffix: '.vtt' });
};

/** A segment: every cue that is seen in it, so one across its end is in both. @throws HttpProblem segment_not_found */
export const subtitleSegment = async (deps: GatewayDeps, files: SideFiles, id: string, n: number, timeline: Timeline): Promise<string> => {
  const { file, track } = trackOf(files, id);
  const segments = countOf(timeline.durationSeconds);
  if (n >= segments) throw new HttpProblem('segment_not_found', `${id} has ${segments} segments`);
  // The last one takes what comes after the last picture.
  const endMs = n === segments - 1 ? Infinity : (n + 1) * SEGMENT_SECONDS * 1000;
  const make = async (): Promise<Uint8Array> => {
    const cues = await cuesOf(deps, file, track, timeline);
    const seen = cues.filter((cue) => cue.startMs < endMs && cue.endMs > n * SEGMENT_SECONDS * 1000);
    // ffmpeg reads segments as one text: without an empty line at the end the next one's head would be part of a cue.
    return new TextEncoder().encode(`${writeCues(seen, TIMESTAMP_MAP)}\n`);
  };
  const { bytes } = await deps.cache.getOrMake({ version: timeline.version, rendition: id, name: `${n}-${tagOfPath(file.path)}` }, make, 'memory');
  return new TextDecoder().decode(bytes);
};

/** The whole track, for a `<track>` element. @throws HttpProblem segment_not_found */
export const wholeSubtitles = async (deps: GatewayDeps, files: SideFiles, id: string, timeline: Timeline): Promise<string> => {
  const { file, track } = trackOf(files, id);
  return writeCues(await cuesOf(deps, file, track, timeline));
};

const countOf = (durationSeconds: number): number => Math.max(1, Math.ceil(durationSeconds / SEGMENT_SECONDS - 1e-6));

const trackOf = ({ subtitles }: SideFiles, id: string): { file: SubtitleFile; track: SubtitleTrack } => {
  const track = subtitles?.tracks.find((candidate) => candidate.id === id);
  if (subtitles === null || track === undefined) throw new HttpProblem('segment_not_found', `There are no subtitles ${id}`);
  return { file: subtitles, track };
};

const cuesOf = async ({ library }: GatewayDeps, { path }: SubtitleFile, track: SubtitleTrack, { originSeconds }: Timeline): Promise<Cue[]> =>
  shiftCues(parseCues(new TextDecoder().decode(await readPart(library, path, track))), -Math.round(originSeconds * 1000));
