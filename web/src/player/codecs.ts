/** What this browser decodes, as RFC 6381 strings, for the gateway's choice between direct, remux and none. */
const CANDIDATES: readonly (readonly [type: string, codec: string])[] = [
  ['video/mp4', 'avc1.640028'], ['video/mp4', 'avc1.6E0028'], ['video/mp4', 'avc1.7A0028'], ['video/mp4', 'hvc1.1.6.L120.90'], ['video/mp4', 'av01.0.08M.08'],
  ['video/mp4', 'vp09.00.40.08'], ['video/webm', 'vp8'], ['video/mp4', 'mp4a.40.2'], ['audio/mpeg', 'mp3'],
  ['audio/webm', 'opus'], ['audio/webm', 'vorbis'], ['audio/mp4', 'flac'], ['audio/mp4', 'ac-3'], ['audio/mp4', 'ec-3'],
];

export function decodedCodecs(canPlayType: (type: string) => string): string[] {
  const played = CANDIDATES.filter(([type, codec]) => canPlayType(codec === 'mp3' ? type : `${type}; codecs="${codec}"`) !== '').map(([, codec]) => codec);
  return canPlayType('audio/wav; codecs="1"') === '' ? played : [...played, 'pcm'];
}
