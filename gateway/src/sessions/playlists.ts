import { gridSegments, h264CodecString, type SubtitleTrack } from '@reelay/contracts';
import { attributes, quoted, soundLines, SUBTITLE_GROUP, subtitleLines, vodPlaylist } from '../packaging/playlist-lines.ts';
import { type EncodedRendition, type EncodedStream, startRenditions, targetDurationOf } from './encoded-stream.ts';

const AAC_LC = 'mp4a.40.2';
const AUDIO_GROUP = 'aac';
/** Boxes around the samples, and what a rate control goes over its cap in one segment. */
const OVERHEAD = 1.1;

/** Audio beside the video: its own playlist and language (HLS authoring rules, 9.5). */
const soundOf = (stream: EncodedStream): EncodedRendition[] => stream.renditions.filter(({ recipe }) => recipe.kind === 'audio');

/** The multivariant playlist. Players start with the variant that is named first, which is a small one; the rest goes up. */
export function encodedMasterPlaylist(stream: EncodedStream, subtitles: readonly SubtitleTrack[] = []): string {
  const sound = soundOf(stream);
  const rungs = stream.renditions.filter(({ recipe }) => recipe.kind === 'video');
  const lines = ['#EXTM3U', '#EXT-X-VERSION:7', '#EXT-X-INDEPENDENT-SEGMENTS'];
  if (rungs.length === 0) return `${[...lines, ...soundOnly(sound)].join('\n')}\n`;
  lines.push(...soundGroup(stream), ...subtitleLines(subtitles));
  const { picture: first } = startRenditions(stream);
  const ordered = [...rungs.filter((rung) => rung === first), ...rungs.filter((rung) => rung !== first)];
  for (const rung of ordered) lines.push(...variantLines(rung, { sound: sound.length > 0, subtitles: subtitles.length > 0 }));
  return `${lines.join('\n')}\n`;
}

/** The media playlist of one rendition. */
export function encodedMediaPlaylist(stream: EncodedStream, { recipe }: EncodedRendition): string {
  return vodPlaylist({ targetDurationSeconds: targetDurationOf(stream), durations: gridSegments(recipe.grid).map(({ durationSeconds }) => durationSeconds), initUri: 'init.mp4' });
}

function variantLines({ id, recipe }: EncodedRendition, has: { sound: boolean; subtitles: boolean }): string[] {
  if (recipe.kind !== 'video') return [];
  const { width, height, videoKbps, maxKbps, level, grid: { frameRate } } = recipe;
  const soundKbps = has.sound ? 140 : 0;
  return [
    `#EXT-X-STREAM-INF:${attributes([
      ['BANDWIDTH', String(Math.round((maxKbps * OVERHEAD + soundKbps) * 1_000))],
      ['AVERAGE-BANDWIDTH', String((videoKbps + soundKbps) * 1_000)],
      ['CODECS', quoted([h264CodecString(level), ...(has.sound ? [AAC_LC] : [])].join(','))],
      ['RESOLUTION', `${width}x${height}`],
      ['FRAME-RATE', (frameRate.num / frameRate.den).toFixed(3)],
      ['VIDEO-RANGE', 'SDR'],
      ['AUDIO', has.sound ? quoted(AUDIO_GROUP) : null],
      ['SUBTITLES', has.subtitles ? quoted(SUBTITLE_GROUP) : null],
      // Else Apple's players offer captions that are not there.
      ['CLOSED-CAPTIONS', 'NONE'],
    ])}`,
    `${id}/index.m3u8`,
  ];
}

function soundGroup(stream: EncodedStream): string[] {
  const { sound: main } = startRenditions(stream);
  return soundLines(AUDIO_GROUP, soundOf(stream).map(({ id, source: { language, title, disposition } }) => ({ id, language, title, disposition, channels: 2, uri: `${id}/index.m3u8` })), main?.id);
}

/** Without pictures the first track is the variant. */
function soundOnly(sound: readonly EncodedRendition[]): string[] {
  return sound.slice(0, 1).flatMap(({ id }) => [
    `#EXT-X-STREAM-INF:${attributes([['BANDWIDTH', '160000'], ['AVERAGE-BANDWIDTH', '140000'], ['CODECS', quoted(AAC_LC)]])}`, `${id}/index.m3u8`,
  ]);
}
