import { Complaints } from '../complaint.ts';
import type { ParsedPlaylist } from './parse.ts';

/** Rules of one media playlist by itself. */
export function mediaRules(playlist: ParsedPlaylist, where: string): Complaints {
  const complaints = new Complaints(where);
  const value = (name: string): string | undefined => playlist.tags.find((tag) => tag.name === name)?.value;
  const has = (name: string): boolean => playlist.tags.some((tag) => tag.name === name);
  complaints.add(playlist.complaints.list);
  if (!complaints.check(playlist.kind === 'media', 'RFC 8216 4.1', 'it is no media playlist')) return complaints;
  const target = Number(value('EXT-X-TARGETDURATION') ?? Number.NaN);
  complaints.check(target >= 1, 'RFC 8216 4.3.3.1', 'no EXT-X-TARGETDURATION of at least 1');
  for (const { uri, durationSeconds } of playlist.segments) {
    complaints.check(Math.round(durationSeconds) <= target, 'RFC 8216 4.3.3.1', `${uri} lasts ${durationSeconds} s, more than ${target}`);
    complaints.check(durationSeconds <= target + 0.5, 'Apple 7.7', `${uri} lasts ${durationSeconds} s, more than half a second above ${target}`);
    complaints.check(durationSeconds > 0, 'RFC 8216 4.3.2.1', `${uri} lasts nothing`);
  }
  complaints.check(playlist.segments.length > 0, 'RFC 8216 4.3.2.1', 'no segments');
  complaints.check(value('EXT-X-PLAYLIST-TYPE') === 'VOD', 'Apple 8.6', 'not EXT-X-PLAYLIST-TYPE:VOD');
  complaints.check(has('EXT-X-ENDLIST'), 'RFC 8216 4.3.3.4', 'no EXT-X-ENDLIST');
  complaints.check(playlist.tags.at(-1)?.name === 'EXT-X-ENDLIST', 'RFC 8216 4.3.3.4', 'EXT-X-ENDLIST is not the end');
  complaints.check(new Set(playlist.segments.map(({ uri }) => uri)).size === playlist.segments.length || has('EXT-X-BYTERANGE'), 'RFC 8216 3', 'a segment is named twice');
  const firstSegment = playlist.segments[0]?.line ?? Infinity;
  for (const name of ['EXT-X-TARGETDURATION', 'EXT-X-MEDIA-SEQUENCE', 'EXT-X-PLAYLIST-TYPE', 'EXT-X-VERSION']) {
    const line = playlist.tags.find((tag) => tag.name === name)?.line ?? 0;
    complaints.check(line < firstSegment, 'RFC 8216 4.3.3', `${name} after the first segment`);
  }
  checkVersion(playlist, complaints);
  return complaints;
}

/** RFC 8216, 7: a feature must not be used by a playlist of a version that does not have it. */
function checkVersion({ tags, version }: ParsedPlaylist, complaints: Complaints): void {
  const needs = (feature: string, least: number, used: boolean): void => {
    complaints.check(!used || version >= least, 'RFC 8216 7', `${feature} needs version ${least}, not ${version}`);
  };
  const has = (name: string): boolean => tags.some((tag) => tag.name === name);
  needs('a length with a fraction', 3, tags.some(({ name, value }) => name === 'EXTINF' && value.includes('.')));
  needs('EXT-X-BYTERANGE', 4, has('EXT-X-BYTERANGE'));
  needs('EXT-X-I-FRAMES-ONLY', 4, has('EXT-X-I-FRAMES-ONLY'));
  needs('EXT-X-MAP with EXT-X-I-FRAMES-ONLY', 5, has('EXT-X-MAP') && has('EXT-X-I-FRAMES-ONLY'));
  needs('EXT-X-MAP', 6, has('EXT-X-MAP') && !has('EXT-X-I-FRAMES-ONLY'));
  needs('EXT-X-DEFINE', 8, has('EXT-X-DEFINE'));
  for (const { attributes } of tags.filter(({ name }) => name === 'EXT-X-MAP')) complaints.check(attributes.has('URI'), 'RFC 8216 4.3.2.5', 'EXT-X-MAP without a URI');
}
