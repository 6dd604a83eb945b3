import { subtitleLabel, type SubtitleTrack } from '@reelay/contracts';

/** Attribute list of a tag (RFC 8216, 4.2); a null value leaves its attribute out. */
export function attributes(pairs: readonly (readonly [name: string, value: string | null])[]): string {
  return pairs.filter(([, value]) => value !== null).map(([name, value]) => `${name}=${value ?? ''}`).join(',');
}

/** A quoted string can hold neither quotes nor line ends, a playlist no control characters (RFC 8216, 4.1 and 4.2). */
export function quoted(value: string): string {
  return `"${value.replaceAll('"', '’').replaceAll(/\p{Cc}/gu, ' ')}"`;
}

/** What files call languages (`ger`, `deu`) as the tag that playlists and the settings of devices use (`de`; BCP 47). Null: unknown, or none. */
function languageTag(code: string | null): string | null {
  const text = code?.trim().toLowerCase().replaceAll('_', '-') ?? '';
  if (['', 'und', 'mis', 'zxx'].includes(text)) return null;
  try {
    return Intl.getCanonicalLocales(text)[0] ?? null;
  } catch {
    return null;
  }
}

interface Choosable {
  readonly language: string | null;
  readonly isMain: boolean;
  /** Whatever else tells two tracks of one language apart to a player. */
  readonly kind: string;
}

/**
 * Which tracks of a group a player may choose by itself, for a viewer's language: those marked so must differ in language or
 * kind (RFC 8216bis, 4.4.6.1.1), so of two the main one, or the first. The others are there to be chosen by hand.
 */
function selectable<T>(tracks: readonly T[], of: (track: T) => Choosable): Set<T> {
  const keyOf = (track: T): string => {
    const { language, kind } = of(track);
    return `${languageTag(language) ?? ''} ${kind}`;
  };
  const taken = new Map<string, T>();
  for (const track of tracks.toSorted((a, b) => Number(of(b).isMain) - Number(of(a).isMain))) {
    const { language, isMain } = of(track);
    if ((isMain || languageTag(language) !== null) && !taken.has(keyOf(track))) taken.set(keyOf(track), track);
  }
  return new Set(taken.values());
}

/** A sound track of a multivariant playlist. */
interface SoundLine {
  readonly id: string;
  readonly language: string | null;
  readonly title: string | null;
  readonly disposition: readonly string[];
  readonly channels: number | null;
  /** Null for one that is the variant itself. */
  readonly uri: string | null;
}

/** The sound tracks of one group, of which `main` plays unasked. */
export function soundLines(group: string, tracks: readonly SoundLine[], main: string | undefined): string[] {
  const isDescription = ({ disposition }: SoundLine): boolean => disposition.includes('visual_impaired') || disposition.includes('descriptions');
  const auto = selectable(tracks, (track) => ({ language: track.language, isMain: track.id === main, kind: isDescription(track) ? 'description' : '' }));
  const taken = new Set<string>();
  return tracks.map((track) => {
    const { id, language, title, channels, uri } = track;
    const wanted = title ?? language ?? `Audio ${Number(id.slice(1)) + 1}`;
    // NAME must be unique within a group.
    const name = taken.has(wanted) ? `${wanted} (${id})` : wanted;
    taken.add(name);
    const tag = languageTag(language);
    return `#EXT-X-MEDIA:${attributes([
      ['TYPE', 'AUDIO'], ['GROUP-ID', quoted(group)], ['NAME', quoted(name)], ['LANGUAGE', tag === null ? null : quoted(tag)],
      ['DEFAULT', id === main ? 'YES' : 'NO'], ['AUTOSELECT', auto.has(track) ? 'YES' : 'NO'],
      ['CHARACTERISTICS', isDescription(track) ? quoted('public.accessibility.describes-video') : null],
      ['CHANNELS', channels === null ? null : quoted(String(channels))], ['URI', uri === null ? null : quoted(uri)],
    ])}`;
  });
}

interface VodPlaylist {
  targetDurationSeconds: number;
  durations: readonly number[];
  /** Null for segments that need none. */
  initUri: string | null;
  /** Put before the names of the segments. */
  folder?: string;
  /** Some players (ffmpeg) insist on one that fits what is inside. */
  suffix?: '.m4s' | '.mp3' | '.vtt';
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
  const auto = selectable(tracks, (track) => ({ language: track.language, isMain: track === main, kind: `${track.isForced} ${track.isForDeaf}` }));
  const taken = new Set<string>();
  return tracks.map((track) => {
    const label = subtitleLabel(track);
    const name = taken.has(label) ? `${label} (${track.id})` : label;
    taken.add(name);
    const tag = languageTag(track.language);
    return `#EXT-X-MEDIA:${attributes([
      ['TYPE', 'SUBTITLES'], ['GROUP-ID', quoted(SUBTITLE_GROUP)], ['NAME', quoted(name)], ['LANGUAGE', tag === null ? null : quoted(tag)],
      ['DEFAULT', track === main ? 'YES' : 'NO'], ['AUTOSELECT', auto.has(track) ? 'YES' : 'NO'], ['FORCED', track.isForced ? 'YES' : 'NO'],
      ['CHARACTERISTICS', track.isForDeaf ? quoted('public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound') : null],
      ['URI', quoted(`${track.id}/index.m3u8`)],
    ])}`;
  });
}
