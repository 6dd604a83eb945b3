import { mainStream, type MediaInfo, orientationOf, rationalValue } from '@reelay/contracts';
import type { VideoFacts } from '@reelay/store';

/** The columns of a video from its probe. Width and height are as shown: turned when the file says so. */
export const videoFacts = (media: MediaInfo, sizeBytes: number): VideoFacts => {
  const video = mainStream(media, 'video');
  const audio = mainStream(media, 'audio');
  const turned = video?.rotationDegrees === 90 || video?.rotationDegrees === 270;
  const { durationSeconds } = media;
  const average = durationSeconds ? (sizeBytes * 8) / 1000 / durationSeconds : null;
  const bitrate = media.bitrateKbps ?? average;
  return {
    durationSeconds,
    width: (turned ? video.height : video?.width) ?? null,
    height: (turned ? video.width : video?.height) ?? null,
    frameRate: rationalValue(video?.frameRate ?? null) || null,
    videoCodec: video?.codec ?? null,
    audioCodec: audio?.codec ?? null,
    bitrate: bitrate === null ? null : Math.min(Math.round(bitrate), 2_147_483_647),
    orientation: orientationOf(media),
  };
};

const base = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** File name without its last suffix. */
export const stem = (path: string): string => base(path).replace(/(?<=.)\.[^.]+$/, '');

/** At most so many bytes of a name, cut between characters: half of one can be stored nowhere. */
export const clipName = (name: string, maxBytes: number): string => {
  const kept = Array.from(name);
  for (let bytes = Buffer.byteLength(kept.join('')); bytes > maxBytes;) bytes -= Buffer.byteLength(kept.pop() ?? '');
  return kept.join('');
};

/** Room for the stem of a name of 255 bytes that may have to become `… (1000).mp4`. */
const MAX_STEM_BYTES = 244;

/** Where a re-encode goes when nobody says: `playback/<name>.mp4`. */
export const encodedPath = (inputPath: string): string => `playback/${clipName(stem(inputPath), MAX_STEM_BYTES)}.mp4`;

/** Title of a video that nobody has named: its file name without the suffix. */
export const titleOf = (path: string): string => clipName(stem(path), 300) || base(path);
