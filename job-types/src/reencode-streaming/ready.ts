import { mainStream, type MediaInfo } from '@reelay/contracts';

/** Why a file need not be encoded again for the web, in one sentence; null when it must. `targetBitrate` in kbit/s. */
export function alreadyReady(media: MediaInfo, targetBitrate: number): string | null {
  const video = mainStream(media, 'video');
  const audio = mainStream(media, 'audio');
  if (media.container !== 'mp4' || video?.codec !== 'h264' || video.pixelFormat !== 'yuv420p' || video.interlaced) return null;
  if (audio && audio.codec !== 'aac') return null;
  const bitrate = video.bitrateKbps ?? media.bitrateKbps;
  if (bitrate === null || bitrate > targetBitrate) return null;
  return `The source is H.264 and AAC in MP4 at ${bitrate} kbit/s, within the ${targetBitrate} asked for.`;
}
