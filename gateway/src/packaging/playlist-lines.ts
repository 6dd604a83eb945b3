/** Attribute list of a tag (RFC 8216, 4.2); a null value leaves its attribute out. */
export function attributes(pairs: readonly (readonly [name: string, value: string | null])[]): string {
  return pairs.filter(([, value]) => value !== null).map(([name, value]) => `${name}=${value ?? ''}`).join(',');
}

/** A quoted string can hold neither quotes nor line ends. */
export function quoted(value: string): string {
  return `"${value.replaceAll('"', '’').replaceAll(/[\r\n]/g, ' ')}"`;
}

/** A media playlist that is complete from the start: segments `0.m4s`, `1.m4s`, … with exact lengths in seconds. */
export function vodPlaylist(options: { targetDurationSeconds: number; durations: readonly number[]; hasInit: boolean }): string {
  const { targetDurationSeconds, durations, hasInit } = options;
  const lines = [
    '#EXTM3U', '#EXT-X-VERSION:7', `#EXT-X-TARGETDURATION:${targetDurationSeconds}`, '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-PLAYLIST-TYPE:VOD', '#EXT-X-INDEPENDENT-SEGMENTS', ...(hasInit ? ['#EXT-X-MAP:URI="init.mp4"'] : []),
    ...durations.flatMap((seconds, n) => [`#EXTINF:${seconds.toFixed(6)},`, `${n}.m4s`]), '#EXT-X-ENDLIST',
  ];
  return `${lines.join('\n')}\n`;
}
