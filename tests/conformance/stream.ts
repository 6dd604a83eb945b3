import { type ParsedPlaylist, parsePlaylist } from './hls/parse.ts';

/** What came for one address. */
export interface Resource {
  readonly url: string;
  readonly status: number;
  readonly redirected: boolean;
  readonly headers: ReadonlyMap<string, string>;
  readonly bytes: Uint8Array;
}

export interface RenditionCopy {
  /** As the master playlist names it, such as `h360/index.m3u8`. */
  readonly uri: string;
  readonly kind: 'video' | 'audio' | 'subtitles' | 'iframes';
  readonly playlist: Resource;
  readonly parsed: ParsedPlaylist;
  readonly init: Resource | null;
  /** Null where it was not asked for. */
  readonly segments: readonly (Resource | null)[];
}

/** A stream as a client saw it. */
export interface StreamCopy {
  readonly mode: 'copy' | 'encoded';
  readonly master: Resource;
  readonly parsed: ParsedPlaylist;
  readonly renditions: readonly RenditionCopy[];
}

export type Get = (url: string) => Promise<Resource>;

export interface ReadOptions {
  mode: StreamCopy['mode'];
  /** Which renditions; all by default. */
  wanted?: (uri: string) => boolean;
  /** Which of a rendition's segments, in which order; all by default. */
  order?: (count: number, uri: string) => readonly number[];
}

/** Gets with a bearer token, as any HTTP client does. */
export const getWith = (headers: () => Record<string, string>): Get => async (url) => {
  const response = await fetch(url, { headers: headers() });
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { url, status: response.status, redirected: response.redirected, headers: new Map(response.headers), bytes };
};

/** Text of a resource. */
export const textOf = ({ bytes }: Pick<Resource, 'bytes'>): string => new TextDecoder().decode(bytes);

/** Reads a stream from its master URL alone, one request after the other. */
export async function readStream(get: Get, masterUrl: string, options: ReadOptions): Promise<StreamCopy> {
  const { mode, wanted = () => true } = options;
  const master = await get(masterUrl);
  const parsed = parsePlaylist(master.bytes);
  const renditions: RenditionCopy[] = [];
  for (const [uri, kind] of urisOf(parsed)) if (wanted(uri)) renditions.push(await readRendition(get, new URL(uri, masterUrl).href, uri, kind, options));
  return { mode, master, parsed, renditions };
}

function urisOf({ tags, variants }: ParsedPlaylist): Map<string, RenditionCopy['kind']> {
  const found = new Map<string, RenditionCopy['kind']>();
  for (const { uri, attributes } of variants) found.set(uri, attributes.has('RESOLUTION') ? 'video' : 'audio');
  for (const { name, attributes } of tags) {
    const uri = attributes.get('URI');
    if (uri === undefined || found.has(uri)) continue;
    if (name === 'EXT-X-I-FRAME-STREAM-INF') found.set(uri, 'iframes');
    if (name === 'EXT-X-MEDIA') found.set(uri, attributes.get('TYPE') === 'SUBTITLES' ? 'subtitles' : 'audio');
  }
  return found;
}

async function readRendition(get: Get, url: string, uri: string, kind: RenditionCopy['kind'], { order }: ReadOptions): Promise<RenditionCopy> {
  const playlist = await get(url);
  const parsed = parsePlaylist(playlist.bytes);
  const map = parsed.segments[0]?.map ?? null;
  const init = map === null ? null : await get(new URL(map, url).href);
  const segments: (Resource | null)[] = parsed.segments.map(() => null);
  for (const n of order?.(parsed.segments.length, uri) ?? parsed.segments.keys()) {
    const entry = parsed.segments[n];
    if (entry !== undefined) segments[n] = await get(new URL(entry.uri, url).href);
  }
  return { uri, kind, playlist, parsed, init, segments };
}
