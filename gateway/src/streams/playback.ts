import {
  indexFactsSchema, ladderFor, mainStream, type MediaStream, type Playback, type PlaybackAudioTrack, type PlaybackRendition, type PlaybackSubtitle, subtitleLabel,
} from '@reelay/contracts';
import { errorCode } from '@reelay/runtime';
import { countEncoders, findVideoWithMedia, readIndexFacts, readSideFiles, type SideFiles, type VideoWithMedia } from '@reelay/store';
import type { GatewayDeps } from '../deps.ts';
import { HttpProblem } from '../http/problem.ts';
import { decidePlayback, ENCODED } from '../packaging/decide.ts';
import { NotRemuxableError } from '../packaging/errors.ts';
import type { MediaPackage } from '../packaging/package.ts';
import type { EncodedStream } from '../sessions/encoded-stream.ts';
import { NotEncodable } from '../sessions/errors.ts';

/** A node that was heard within this time counts, as in /readyz. */
const HEARD_MS = 15_000;
const NO_NODE = 'No node can encode at the moment; it plays as soon as one is there.';

type Way = Pick<Playback, 'mode' | 'reason'>;
/** What is the same for every client. */
export type UnsignedPlayback = Omit<Playback, 'signedMasterUrl' | 'signedFileUrl' | 'signedUntil'>;

/** How a client plays a video: the way, its reason, all addresses and what there is to choose. @throws HttpProblem video_not_found */
export const playbackOf = async (deps: GatewayDeps, id: string, clientCodecs: readonly string[] | null): Promise<UnsignedPlayback> => {
  const [video, stored, sides] = await Promise.all([findVideoWithMedia(deps.sql, id), readIndexFacts(deps.sql, id), readSideFiles(deps.sql, id)]);
  if (video === null) throw new HttpProblem('video_not_found', `There is no video ${id}`);
  const current = stored !== null && stored.sizeBytes === video.sizeBytes && stored.mtimeMs === video.mtimeMs;
  const facts = current ? indexFactsSchema.safeParse(stored.facts) : null;
  const decided = decidePlayback({ mediaInfo: video.media, indexFacts: facts?.success === true ? facts.data : null, clientCodecs, valid: video.valid, invalidReason: video.invalidReason });
  if (decided.mode === 'none') return answer(video, decided, {});
  const encoded = await deps.encoded.open(video).then(({ stream }) => stream, (error: unknown) => {
    if (error instanceof NotEncodable) return error;
    throw error;
  });
  const { way, pack } = await waysOf(deps, video, decided);
  if (way.mode === 'transcode') {
    if (encoded instanceof NotEncodable) return answer(video, { mode: 'none', reason: `${way.reason.replace(/ [^.]*\.$/, '')} ${encoded.message}` }, {});
    const available = (await countEncoders(deps.sql, HEARD_MS)) > 0;
    return answer(video, available ? way : { ...way, reason: `${way.reason} ${NO_NODE}` }, { encoded, available, sides });
  }
  return answer(video, way, { pack, ladder: encoded instanceof NotEncodable ? null : encoded, sides });
};

/** The package beside the decision; a plan of segments may find what the facts do not tell, and then it is encoded. */
const waysOf = async (deps: GatewayDeps, video: VideoWithMedia, decided: Way): Promise<{ way: Way; pack: MediaPackage | null }> => {
  if (decided.mode === 'transcode') return { way: decided, pack: null };
  if (decided.mode === 'direct') return { way: decided, pack: await spare(deps, video) };
  try {
    return { way: decided, pack: await deps.packages.open(video) };
  } catch (error) {
    if (!(error instanceof NotRemuxableError)) throw error;
    return { way: { mode: 'transcode', reason: `${error.message} ${ENCODED}` }, pack: null };
  }
};

interface Ways {
  /** The stream that is encoded because nothing else will do. */
  encoded?: EncodedStream | undefined;
  available?: boolean | undefined;
  pack?: MediaPackage | null | undefined;
  /** Lower bitrates of what plays anyway. */
  ladder?: EncodedStream | null | undefined;
  sides?: SideFiles | undefined;
}

const answer = (video: VideoWithMedia, { mode, reason }: Way, { encoded, available = mode !== 'none', pack = null, ladder = null, sides }: Ways): UnsignedPlayback => {
  const masterOf = (version: string): string => `/stream/${video.id}/${version}/master.m3u8`;
  const rungs = rungsOf(encoded ?? ladder);
  const version = encoded?.version ?? pack?.version ?? null;
  // The times are the same under each of them.
  const sideVersion = version ?? ladder?.version ?? null;
  const below = `/stream/${video.id}/${sideVersion ?? ''}`;
  return {
    mode, reason, available, durationSeconds: video.durationSeconds,
    masterUrl: version === null ? null : masterOf(version),
    fileUrl: mode === 'direct' || mode === 'remux' ? `/api/media/videos/${video.id}/file` : null,
    ladderUrl: ladder !== null && rungs.length > 0 ? masterOf(ladder.version) : null,
    renditions: [...(mode === 'direct' || mode === 'remux' ? ownRendition(video) : []), ...rungs],
    audioTracks: audioTracksOf(video, encoded ?? null, pack),
    subtitles: sideVersion === null ? [] : subtitlesOf(sides, below),
    storyboardUrl: sideVersion !== null && sides?.storyboard ? `${below}/storyboard.vtt` : null,
  };
};

const subtitlesOf = (sides: SideFiles | undefined, below: string): PlaybackSubtitle[] =>
  (sides?.subtitles?.tracks ?? []).map((track) => ({
    id: track.id, label: subtitleLabel(track), language: track.language, isDefault: track.isDefault, isForced: track.isForced, url: `${below}/${track.id}/all.vtt`,
  }));

/** Segments for a player that cannot play the file after all; null when none can be made. */
const spare = async (deps: GatewayDeps, video: VideoWithMedia): Promise<MediaPackage | null> => {
  try {
    return await deps.packages.open(video);
  } catch (error) {
    deps.logger.debug({ videoId: video.id, code: errorCode(error) }, 'no segments beside the file');
    return null;
  }
};

const rungsOf = (stream: EncodedStream | null): PlaybackRendition[] =>
  (stream?.renditions ?? []).flatMap(({ id, recipe }) => (recipe.kind === 'audio' ? [] : [{
    id, label: `${id.slice(1)}p`, width: recipe.width, height: recipe.height, kbps: recipe.videoKbps, mode: 'encode' as const,
  }])).toReversed();

/** The file's own pictures. */
const ownRendition = ({ media, bitrate }: VideoWithMedia): PlaybackRendition[] => {
  const stream = media === null ? undefined : mainStream(media, 'video');
  if (stream === undefined) return [];
  const rung = ladderFor(stream).at(-1);
  return [{
    id: 'v0', label: rung === undefined ? 'Original' : `${rung.id.slice(1)}p`, width: stream.displayWidth, height: stream.displayHeight,
    kbps: Math.round(stream.bitrateKbps ?? bitrate ?? 0) || null, mode: 'copy',
  }];
};

const audioTracksOf = ({ media }: VideoWithMedia, encoded: EncodedStream | null, pack: MediaPackage | null): PlaybackAudioTrack[] => {
  const tracks = encoded !== null
    ? encoded.renditions.filter(({ recipe }) => recipe.kind === 'audio').map(({ id, source }) => ({ id, stream: source }))
    : pack !== null
      ? pack.renditions.filter(({ kind }) => kind === 'audio').map(({ id, stream }) => ({ id, stream }))
      : (media?.streams ?? []).filter(({ kind }) => kind === 'audio').map((stream, n) => ({ id: `a${n}`, stream }));
  const main = tracks.find(({ stream }) => stream.disposition.includes('default')) ?? tracks[0];
  return tracks.map((track, n) => ({
    id: track.id, label: labelOf(track.stream, n), language: track.stream.language, codec: encoded === null ? track.stream.codec : 'aac',
    channels: encoded === null ? track.stream.channels : 2, isDefault: track === main, mode: encoded === null ? 'copy' : 'encode',
  }));
};

const labelOf = ({ title, language }: MediaStream, n: number): string => title ?? language ?? `Audio ${n + 1}`;
