import { Complaints } from './complaint.ts';
import { mediaRules } from './hls/media-rules.ts';
import { initRules, type Track } from './mp4/init.ts';
import { type SegmentFacts, segmentRules } from './mp4/segment.ts';
import { type RenditionCopy, type Resource, textOf } from './stream.ts';

/** What the rules across renditions need of one. */
export interface RenditionFacts {
  readonly copy: RenditionCopy;
  readonly track: Track | null;
  /** Null where a segment was not read or cannot be. */
  readonly segments: readonly (SegmentFacts | null)[];
}

/** A picture or so. */
const WINDING_SLACK_SECONDS = 0.1;
const PACKED_STAMP = 'com.apple.streaming.transportStreamTimestamp';
const MEDIA_TYPES: Readonly<Record<RenditionCopy['kind'], RegExp>> = {
  video: /^video\/(mp4|iso\.segment)$/, iframes: /^video\/(mp4|iso\.segment)$/, audio: /^(audio|video)\/(mp4|iso\.segment|mpeg|aac)$/, subtitles: /^text\/vtt/,
};

/** Rules of one rendition by itself: playlist, answers, init segment, segments and how they follow each other. */
export function renditionRules(copy: RenditionCopy): { complaints: Complaints; facts: RenditionFacts } {
  const complaints = new Complaints();
  complaints.add(mediaRules(copy.parsed, copy.uri).list);
  complaints.add(playlistAnswer(copy.playlist, copy.uri).list);
  for (const piece of [copy.init, ...copy.segments]) if (piece !== null) complaints.add(pieceAnswer(piece, copy).list);
  if (copy.kind === 'subtitles') {
    for (const piece of copy.segments) if (piece !== null) complaints.check(/^WEBVTT\n[\s\S]*X-TIMESTAMP-MAP=/.test(textOf(piece)), 'Apple 5.3', `${piece.url}: no WebVTT with X-TIMESTAMP-MAP`);
    return { complaints, facts: { copy, track: null, segments: [] } };
  }
  if (copy.init === null) {
    for (const piece of copy.segments) if (piece !== null) complaints.check(Buffer.from(piece.bytes.subarray(0, 200)).includes(PACKED_STAMP), 'RFC 8216 3.4', `${piece.url}: neither EXT-X-MAP nor an ID3 timestamp`);
    return { complaints, facts: { copy, track: null, segments: [] } };
  }
  const init = initRules(copy.init.bytes, `${copy.uri} init`);
  complaints.add(init.complaints.list);
  const { track } = init;
  if (track === null) return { complaints, facts: { copy, track, segments: [] } };
  const segments = copy.segments.map((piece, n) => {
    if (piece === null || piece.status !== 200) return null;
    const { complaints: own, facts } = segmentRules(piece.bytes, track, `${copy.uri} segment ${n}`);
    complaints.add(own.list);
    return facts;
  });
  complaints.add((copy.kind === 'iframes' ? winding(copy, track, segments) : continuity(copy, track, segments)).list);
  return { complaints, facts: { copy, track, segments } };
}

export function playlistAnswer(playlist: Resource, where: string): Complaints {
  const complaints = new Complaints(where);
  if (!complaints.check(playlist.status === 200, 'HTTP', `answered ${playlist.status}`)) return complaints;
  complaints.check(/^(application\/vnd\.apple\.mpegurl|audio\/mpegurl)/i.test(playlist.headers.get('content-type') ?? ''), 'RFC 8216 4', `its type is ${playlist.headers.get('content-type')}`);
  complaints.check(playlist.headers.get('content-encoding') === 'gzip', 'Apple 10.1', 'not gzipped');
  complaints.check(!playlist.redirected, 'Apple 8.18', 'redirected');
  return complaints;
}

function pieceAnswer(piece: Resource, { kind }: RenditionCopy): Complaints {
  const complaints = new Complaints(new URL(piece.url).pathname.split('/').slice(-2).join('/'));
  if (!complaints.check(piece.status === 200, 'HTTP', `answered ${piece.status}: ${piece.status === 200 ? '' : textOf(piece).slice(0, 200)}`)) return complaints;
  const header = (name: string): string => piece.headers.get(name) ?? '';
  complaints.check(MEDIA_TYPES[kind].test(header('content-type')), 'Apple 10.4', `its type is ${header('content-type')}`);
  complaints.check(!piece.redirected, 'Apple 8.18', 'redirected');
  complaints.check(header('cache-control').includes('immutable'), 'RFC 8246', `cache-control is ${header('cache-control')}`);
  complaints.check(/^"[^"]+"$/.test(header('etag')), 'RFC 9110 8.8.3', `its entity tag is ${header('etag')}`);
  if (!header('content-encoding')) complaints.check(Number(header('content-length')) === piece.bytes.length, 'RFC 9110 8.6', `content-length ${header('content-length')} for ${piece.bytes.length} bytes`);
  return complaints;
}

/** Where one segment ends the next begins, and both are as long as the playlist says, within one frame. */
function continuity({ uri, parsed }: RenditionCopy, track: Track, segments: readonly (SegmentFacts | null)[]): Complaints {
  const complaints = new Complaints(uri);
  const known = segments.find((segment) => segment !== null) ?? undefined;
  const frame = known === undefined ? 0 : known.durationTicks / known.samples.length / track.timescale;
  let listed = 0;
  for (const [n, entry] of parsed.segments.entries()) {
    const [segment, before] = [segments[n] ?? null, segments[n - 1] ?? null];
    if (segment !== null) {
      const end = (segment.startTicks + segment.durationTicks) / track.timescale;
      const start = n === 0 ? 0 : segment.startTicks / track.timescale;
      if (before !== null) complaints.check(segment.startTicks === before.startTicks + before.durationTicks, 'Apple 7.3', `segment ${n} begins at ${segment.startTicks}, the one before ends at ${before.startTicks + before.durationTicks}`);
      complaints.check(Math.abs(end - start - entry.durationSeconds) <= frame, 'RFC 8216 4.3.2.1', `segment ${n} lasts ${(end - start).toFixed(4)} s, EXTINF is ${entry.durationSeconds}`);
      complaints.check(Math.abs(end - listed - entry.durationSeconds) <= frame, 'Apple 8.1', `segment ${n} ends at ${end.toFixed(4)} s, by the playlist at ${(listed + entry.durationSeconds).toFixed(4)}`);
    }
    listed += entry.durationSeconds;
  }
  return complaints;
}

/** Pictures for winding: keyframes alone, each at the time that the playlist gives it. */
function winding({ uri, parsed }: RenditionCopy, track: Track, segments: readonly (SegmentFacts | null)[]): Complaints {
  const complaints = new Complaints(uri);
  const rule = 'RFC 8216 4.3.3.6';
  complaints.check(parsed.tags.some(({ name }) => name === 'EXT-X-I-FRAMES-ONLY'), rule, 'no EXT-X-I-FRAMES-ONLY');
  let due = 0;
  for (const [n, { durationSeconds }] of parsed.segments.entries()) {
    const segment = segments[n];
    if (segment) {
      complaints.check(segment.samples.length === 1, rule, `piece ${n} holds ${segment.samples.length} pictures`);
      const at = segment.firstPts / track.timescale;
      complaints.check(Math.abs(at - due) < WINDING_SLACK_SECONDS, rule, `picture ${n} is due at ${at.toFixed(3)} s, by the playlist at ${due.toFixed(3)}`);
    }
    due += durationSeconds;
  }
  return complaints;
}
