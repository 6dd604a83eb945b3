import { addStreamData, ffprobeDataArgs, FFPROBE_INFO_ARGS, FFPROBE_LEAN_ARGS, mainStream, type MediaInfo, parseFfprobe } from '@reelay/contracts';
import { JobFailed, type JobRun } from './agent-types.ts';
import { fileUrl } from './order-files.ts';

/** Demuxers of real media. Left out on purpose: playlists and scripts that name other files, pictures, and text. */
const DEMUXERS = [
  'mov', 'matroska', 'mpegts', 'mpegtsraw', 'flv', 'live_flv', 'avi', 'ogg', 'asf', 'mpeg', 'mpegvideo', 'rm', 'mxf', 'dv', 'ivf', 'obu', 'av1',
  'h264', 'hevc', 'm4v', 'vc1', 'nut', 'wtv', 'swf', 'gxf', 'mp3', 'aac', 'ac3', 'eac3', 'dts', 'flac', 'wav', 'w64', 'aiff', 'caf', 'amr', 'ape',
  'wv', 'tta', 'tak', 'truehd', 'au',
].join(',');

/** Options before each `-i`: an uploaded file must not make ffmpeg open other files or addresses. */
export const INPUT_GUARD: readonly string[] = ['-protocol_whitelist', 'file,pipe', '-format_whitelist', DEMUXERS];

/** Failures that lie in the file itself: another try, or another node, cannot help. */
const FAULTS_OF_FILE: ReadonlySet<string> = new Set([
  'moov_missing', 'invalid_data', 'codec_unsupported', 'container_unsupported', 'stream_missing', 'ffprobe_output', 'ffmpeg_failed', 'file_empty', 'probe_too_large',
]);
export const isFaultOfFile = (code: string): boolean => FAULTS_OF_FILE.has(code);

export type Probed = { kind: 'media'; media: MediaInfo } | { kind: 'unreadable'; reason: string; media: MediaInfo | null };

const unreadable = (reason: string, media: MediaInfo | null = null): Probed => ({ kind: 'unreadable', reason, media });

/**
 * What a file holds, or one sentence why it cannot be used. `sizeBytes` is the file's real size.
 * @throws JobFailed for failures that are not the file's
 */
export async function probeMedia(run: JobRun, absolutePath: string, sizeBytes: number): Promise<Probed> {
  if (sizeBytes === 0) return unreadable('The file is empty.');
  let media: MediaInfo;
  try {
    media = parseFfprobe(await askFfprobe(run, fileUrl(absolutePath)));
  } catch (error) {
    if (error instanceof JobFailed && isFaultOfFile(error.code)) return unreadable(error.message);
    throw error;
  }
  const video = mainStream(media, 'video');
  if (!video && !mainStream(media, 'audio')) return unreadable('The file holds no video and no sound.', media);
  if (video && (video.width === null || video.height === null)) return unreadable('The video in the file cannot be read: its picture size is not known.', media);
  return { kind: 'media', media };
}

/** One question does for nearly every file. One with megabytes of attachments is asked about its video and sound alone. */
async function askFfprobe(run: JobRun, url: string): Promise<unknown> {
  const ask = (args: readonly string[]): Promise<string> => run.ffprobe([...args, '-i', url]);
  try {
    return await ask(FFPROBE_INFO_ARGS);
  } catch (error) {
    if (!(error instanceof JobFailed) || error.code !== 'probe_too_large') throw error;
    return addStreamData(await ask(FFPROBE_LEAN_ARGS), await ask(ffprobeDataArgs('video')), await ask(ffprobeDataArgs('audio')));
  }
}

/** Seconds of video and sound that the file claims to hold; null when it does not say. */
export function claimedSeconds(media: MediaInfo): number | null {
  const streams = media.streams.filter((stream) => stream.kind === 'video' || stream.kind === 'audio');
  const lengths = streams.flatMap((stream) => (stream.durationSeconds === null ? [] : [stream.durationSeconds]));
  const longest = lengths.length > 0 ? Math.max(...lengths) : null;
  // A subtitle may outlast the film, and an edit list may show only a part of a stream: the smaller claim counts.
  if (longest === null || media.durationSeconds === null) return longest ?? media.durationSeconds;
  return Math.min(longest, media.durationSeconds);
}

/** For sentences. */
export function spokenSeconds(seconds: number): string {
  return `${seconds.toFixed(1)} s`;
}
