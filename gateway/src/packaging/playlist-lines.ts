import { subtitleLabel, type SubtitleTrack } from '@reelay/contracts';

/** Attribute list of a tag (RFC 8216, 4.2); a null value leaves its attribute out. */
export function attributes(pairs: readonly (readonly [name: string, value: string | null])[]): string {
  return pairs.filter(([, value]) => value !== null).map(([name, value]) => `${name}=${value ?? ''}`).join(',');
}

/** A quoted string can hold neither quotes nor line ends. */
export function quoted(value: string): string {
  return `"${value.replaceAll('"', '’').replaceAll(/[\r\n]/g, ' ')}"`;
}

interface VodPlaylist {
  targetDurationSeconds: number;
  durations: readonly number[];
  /** Null for segments that need none. */
  initUri: string | null;
  /** Put before the names of the segments. */
  folder?: string;
  suffix?: '.m4s' | '.vtt';
  /** Each segment is one keyframe. */
  iframesOnly?: boolean;
}

/** A media playlist that is complete from the start: segments `0.m4s`, `1.m4s`, … with exact lengths in seconds. */
export function vodPlaylist({ targetDurationSeconds, durations, initUri, folder = '', suffix = '.m4s', iframesOnly = false }: VodPlaylist): string {
  const lines = [
    '#EXTM3U', '#EXT-X-VERSION:7', `#EXT-X-TARGETDURATION:${targetDurationSeconds}`, '#EXT-X-MEDIA-SEQUENCE:0', '#EXT-X-PLAYLIST-TYPE:VOD',
    iframesOnly ? '#EXT-X-I-FRAMES-ONLY' : '#EXT-X-INDEPENDENT-SEGMENTS', ...(initUri === null ? [] : [`#EXT-X-MAP:URI="${initUri}"`]),
    ...durations.flatMap((seconds, n) => [`#EXTINF:${seconds.toFixed(6)},`, `${folder}${n}${suffix}`]), '#EXT-X-ENDLIST',
  ];
  return `${lines.join('\n')}\n`;
}

export const SUBTITLE_GROUP = 'subs';

/** The subtitles in a multivariant playlist. Players show the default one unasked, so only a track that the file calls so is one. */
export function subtitleLines(tracks: readonly SubtitleTrack[]): string[] {
  const main = tracks.find(({ isDefault, isForced }) => isDefault && !isForced);
  const taken = new Set<string>();
  return tracks.map((track) => {
    const label = subtitleLabel(track);
    const name = taken.has(label) ? `${label} (${track.id})` : label;
    taken.add(name);
    return `#EXT-X-MEDIA:${attributes([
      ['TYPE', 'SUBTITLES'], ['GROUP-ID', quoted(SUBTITLE_GROUP)], ['NAME', quoted(name)], ['LANGUAGE', track.language === null ? null : quoted(track.language)],
      ['DEFAULT', track === main ? 'YES' : 'NO'], ['AUTOSELECT', track === main || track.language !== null ? 'YES' : 'NO'], ['FORCED', track.isForced ? 'YES' : 'NO'],
      ['CHARACTERISTICS', track.isForDeaf ? quoted('public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound') : null],
      ['URI', quoted(`${track.id}/index.m3u8`)],
    ])}`;
  });
}
