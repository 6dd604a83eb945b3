import { mainStream, type ContainerKind, type IndexFacts, type MediaInfo, type MediaStream } from '@reelay/contracts';
import { clientDecodes, codecName, fitsDirect, fitsSegments } from './codec-support.ts';
import { READABLE_CONTAINERS } from './reader/packet-reader.ts';
import { LARGEST_SEGMENT_BYTES, LONGEST_GROUP_SECONDS } from './segment-plan.ts';

// Which way to play, in this order:
//
//   invalid or nothing to play ─────────────────────────▶ none
//   the client decodes the streams and the container ───▶ direct
//   the client decodes the streams, segments are possible ▶ remux
//   the container is unusual but browsers take it ──────▶ direct
//   else ───────────────────────────────────────────────▶ transcode, naming what stands in the way

type PlaybackMode = 'direct' | 'remux' | 'transcode' | 'none';

export interface PlaybackDecision {
  readonly mode: PlaybackMode;
  /** One sentence for the viewer. */
  readonly reason: string;
}

export interface PlaybackQuestion {
  /** Null while the file has not been validated. */
  readonly mediaInfo: MediaInfo | null;
  readonly indexFacts: IndexFacts | null;
  /** RFC 6381 strings of what the client decodes; null for an ordinary browser. */
  readonly clientCodecs: readonly string[] | null;
  readonly valid: boolean | null;
  readonly invalidReason: string | null;
}

const CONTAINER_NAMES: Readonly<Record<ContainerKind, string>> = {
  mp4: 'MP4', mov: 'QuickTime', matroska: 'Matroska', webm: 'WebM', mpegts: 'MPEG-TS', flv: 'FLV', avi: 'AVI', ogg: 'Ogg', mp3: 'MP3',
  flac: 'FLAC', wav: 'WAV', adts: 'AAC', other: 'file’s',
};
const LATE_START_SECONDS = 2;
/** Ends the reason of everything that is encoded. */
export const ENCODED = 'It is encoded while you watch.';

/** Chooses how a video is played and says why. */
export function decidePlayback(question: PlaybackQuestion): PlaybackDecision {
  const { mediaInfo, indexFacts, clientCodecs, valid, invalidReason } = question;
  if (valid === false) return { mode: 'none', reason: invalidReason ?? 'The file is not a valid video.' };
  if (!mediaInfo) return { mode: 'none', reason: 'The file has not been validated yet.' };
  const main = [mainStream(mediaInfo, 'video'), mainStream(mediaInfo, 'audio')].filter((stream) => stream !== undefined);
  if (main.length === 0) return { mode: 'none', reason: 'The file has neither pictures nor sound.' };
  const names = main.map(codecName).join(', ');
  const container = CONTAINER_NAMES[mediaInfo.container];
  const decoded = main.every((stream) => clientDecodes(stream, clientCodecs));
  // A browser would show nothing until then: a recording's clock may start at an hour.
  const startsLate = mediaInfo.startTimeSeconds >= LATE_START_SECONDS;
  if (decoded && !startsLate && main.every((stream) => fitsDirect(mediaInfo.container, stream))) {
    return { mode: 'direct', reason: `The file plays as it is: ${names} in ${container}.` };
  }
  const obstacle = remuxObstacle(mediaInfo, indexFacts, clientCodecs);
  if (obstacle === null) {
    return { mode: 'remux', reason: `The codecs fit (${names}); they are repackaged from the ${container} container without re-encoding.` };
  }
  if (decoded && main.every((stream) => fitsDirect(mediaInfo.container, stream, true))) {
    return { mode: 'direct', reason: `The file is sent as it is: ${names} in ${container}.` };
  }
  return { mode: 'transcode', reason: `${obstacle} ${ENCODED}` };
}

/** Why segments cannot be made for this client, or null when they can. */
function remuxObstacle(info: MediaInfo, facts: IndexFacts | null, clientCodecs: readonly string[] | null): string | null {
  const video = mainStream(info, 'video');
  const sounds = info.streams.filter((stream) => stream.kind === 'audio');
  if (video && !clientDecodes(video, clientCodecs)) return `The video is ${codecName(video)}, which this browser does not play.`;
  const heard = sounds.filter((stream) => clientDecodes(stream, clientCodecs));
  const [sound] = sounds;
  if (sound && heard.length === 0) return `The audio is ${codecName(sound)}, which this browser does not play.`;
  if (!READABLE_CONTAINERS.has(info.container)) return `A ${CONTAINER_NAMES[info.container]} container cannot be repackaged.`;
  if (video && !fitsSegments(info.container, video)) return carrying(video, info.container);
  const carried = heard.filter((stream) => fitsSegments(info.container, stream));
  if (heard[0] && carried.length === 0) return carrying(heard[0], info.container);
  if (!facts) return 'The file’s packets have not been indexed yet.';
  return (video ? videoObstacle(facts, video) : null) ?? soundObstacle(facts, carried);
}

function carrying(stream: MediaStream, container: ContainerKind): string {
  return `${codecName(stream)} from a ${CONTAINER_NAMES[container]} container cannot be repackaged.`;
}

function videoObstacle(facts: IndexFacts, video: MediaStream): string | null {
  const track = facts.tracks.find((candidate) => candidate.streamIndex === video.index);
  if (!track || track.packets === 0) return 'The video stream holds no pictures.';
  if (track.untimed > 0) return `${track.untimed} of ${track.packets} pictures carry no time.`;
  if (track.idrs === 0) return 'The video has no keyframe at which a segment may begin.';
  if (track.hidden) return `The file’s edit list hides ${track.hidden} of ${track.packets} pictures.`;
  if (track.disordered > 0) return 'The times of the pictures jump back; what has the same time twice is shown once.';
  if ((track.longestGapSeconds ?? 0) > LONGEST_GROUP_SECONDS) return `Between two pictures there are up to ${(track.longestGapSeconds ?? 0).toFixed(0)} s, in which the picture stands still.`;
  if (track.longestGroupSeconds > LONGEST_GROUP_SECONDS) {
    return `Keyframes are up to ${track.longestGroupSeconds.toFixed(1)} s apart, more than ${LONGEST_GROUP_SECONDS} s.`;
  }
  return track.largestGroupBytes > LARGEST_SEGMENT_BYTES ? 'The bitrate is too high for repackaging.' : null;
}

function soundObstacle(facts: IndexFacts, streams: readonly MediaStream[]): string | null {
  const tracks = facts.tracks.filter((track) => streams.some((stream) => stream.index === track.streamIndex));
  return tracks.some((track) => track.untimed > 0) ? 'Some of the sound carries no time.' : null;
}
