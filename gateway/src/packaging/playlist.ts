import { type MediaStream, rationalValue, type SubtitleTrack } from '@reelay/contracts';
import { iframeLine } from './iframes.ts';
import { isPacked, type Rendition, type RenditionSet } from './renditions.ts';
import { attributes, quoted, soundLines, SUBTITLE_GROUP, subtitleLines, vodPlaylist } from './playlist-lines.ts';
import type { PlannedSegment } from './segment-plan.ts';

/** Boxes around a segment (styp, moof without runs, mdat) and per sample of the run. */
const SEGMENT_OVERHEAD_BYTES = 130;
const SAMPLE_OVERHEAD_BYTES = 16;

/** The multivariant playlist: one variant per audio codec, since a group must not mix codecs (RFC 8216, 4.3.4.1.1). */
export function masterPlaylist(set: RenditionSet, subtitles: readonly SubtitleTrack[] = []): string {
  const lines = ['#EXTM3U', '#EXT-X-VERSION:7', '#EXT-X-INDEPENDENT-SEGMENTS'];
  const hasSubtitles = set.video !== null && subtitles.length > 0;
  const groups = audioGroups(set.audio);
  for (const [group, renditions] of groups) {
    // Without video the default sound is the variant itself.
    if (set.video || renditions.length > 1) lines.push(...mediaLines(group, renditions, set));
  }
  if (hasSubtitles) lines.push(...subtitleLines(subtitles));
  if (set.video) {
    if (groups.size === 0) lines.push(...variantLines(set.video, [], null, hasSubtitles));
    for (const [group, renditions] of groups) lines.push(...variantLines(set.video, renditions, group, hasSubtitles));
    if (set.iframes.length > 0) lines.push(iframeLine(set.video, set.iframes, playlistCodec(set.video.stream)));
  } else {
    for (const [group, renditions] of groups) {
      const main = defaultOf(renditions);
      if (main) lines.push(...variantLines(main, renditions, renditions.length > 1 ? group : null));
    }
  }
  return `${lines.join('\n')}\n`;
}

/** The media playlist of one rendition: complete from the start, so that every seek works at once. */
export function mediaPlaylist(rendition: Rendition, targetDurationSeconds: number): string {
  return vodPlaylist({ targetDurationSeconds, durations: rendition.plan.segments.map(({ durationSeconds }) => durationSeconds), ...(isPacked(rendition) ? { initUri: null, suffix: '.mp3' } : { initUri: 'init.mp4' }) });
}

function audioGroups(audio: readonly Rendition[]): Map<string, Rendition[]> {
  const groups = new Map<string, Rendition[]>();
  for (const rendition of audio) {
    const name = `audio-${rendition.stream.codec}`;
    groups.set(name, [...(groups.get(name) ?? []), rendition]);
  }
  return groups;
}

function defaultOf(renditions: readonly Rendition[]): Rendition | undefined {
  return renditions.find(({ stream }) => stream.disposition.includes('default')) ?? renditions[0];
}

function mediaLines(group: string, renditions: readonly Rendition[], set: RenditionSet): string[] {
  const main = defaultOf(renditions);
  return soundLines(group, renditions.map(({ id, stream: { language, title, disposition, channels } }) => ({
    id, language, title, disposition, channels, uri: !set.video && id === main?.id ? null : `${id}/index.m3u8`,
  })), main?.id);
}

function variantLines(main: Rendition, audio: readonly Rendition[], group: string | null, hasSubtitles = false): string[] {
  const { stream } = main;
  const sound = main.stream.kind === 'video' ? audio : [];
  const codecs = [stream, ...(sound[0] ? [sound[0].stream] : [])].map(playlistCodec);
  const rate = rationalValue(stream.frameRate);
  const peak = bitrateOf(main).peak + Math.max(0, ...sound.map((one) => bitrateOf(one).peak));
  const average = bitrateOf(main).average + Math.max(0, ...sound.map((one) => bitrateOf(one).average));
  return [
    `#EXT-X-STREAM-INF:${attributes([
      ['BANDWIDTH', String(Math.max(peak, average))],
      ['AVERAGE-BANDWIDTH', String(average)],
      // Incomplete or guessed codecs would make a player refuse what it could play.
      ['CODECS', codecs.includes(null) ? null : quoted(codecs.join(','))],
      ['RESOLUTION', stream.displayWidth && stream.displayHeight ? `${stream.displayWidth}x${stream.displayHeight}` : null],
      ['FRAME-RATE', stream.kind === 'video' && rate > 0 ? rate.toFixed(3) : null],
      ['VIDEO-RANGE', stream.kind === 'video' ? videoRange(stream) : null],
      ['AUDIO', group === null ? null : quoted(group)],
      ['SUBTITLES', hasSubtitles ? quoted(SUBTITLE_GROUP) : null],
    ])}`,
    `${main.id}/index.m3u8`,
  ];
}

/**
 * Null for MP3: hls.js 1.7 drops a sound track whose codec the browser does not take inside MP4, and does not look at the
 * packed frames that it would play well. Without a codec it looks.
 */
function playlistCodec(stream: MediaStream): string | null {
  return stream.codec === 'mp3' ? null : stream.codecString;
}

function videoRange({ colour }: MediaStream): string {
  if (colour?.transfer === 'smpte2084') return 'PQ';
  return colour?.transfer === 'arib-std-b67' ? 'HLG' : 'SDR';
}

function segmentBytes({ plan }: Rendition, segment: PlannedSegment): number {
  const { size } = plan.track;
  let bytes = SEGMENT_OVERHEAD_BYTES + (segment.end - segment.first) * SAMPLE_OVERHEAD_BYTES;
  for (let i = segment.first; i < segment.end; i += 1) bytes += size[i] ?? 0;
  return bytes;
}

interface Bitrate {
  readonly peak: number;
  readonly average: number;
}
/** Every packet of a film is added up for it. */
const bitrates = new WeakMap<Rendition, Bitrate>();

/** Bits a second. The peak is a segment's; a short last one says little and is left out when there are others. */
function bitrateOf(rendition: Rendition): Bitrate {
  const known = bitrates.get(rendition);
  if (known) return known;
  const { segments } = rendition.plan;
  let peak = 0;
  let shortPeak = 0;
  let bytes = 0;
  let seconds = 0;
  for (const segment of segments) {
    const size = segmentBytes(rendition, segment);
    const bits = Math.ceil((size * 8) / Math.max(0.001, segment.durationSeconds));
    if (segments.length === 1 || segment.durationSeconds >= 2) peak = Math.max(peak, bits);
    else shortPeak = Math.max(shortPeak, bits);
    bytes += size;
    seconds += segment.durationSeconds;
  }
  const bitrate = { peak: peak > 0 ? peak : shortPeak, average: Math.ceil((bytes * 8) / Math.max(0.001, seconds)) };
  bitrates.set(rendition, bitrate);
  return bitrate;
}
