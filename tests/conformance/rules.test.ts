/** The checker is checked first: a good stream passes, and each way to spoil one is caught by the rule that it breaks. */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MediaPackage, openPackage } from '../../gateway/src/packaging/package.ts';
import { ClipFolder, probe } from '../../gateway/src/packaging/testing.ts';
import { checkStream } from './check-stream.ts';
import { find, readBoxes } from './mp4/boxes.ts';
import { type Get, readStream, type Resource, type StreamCopy } from './stream.ts';

const folder = new ClipFolder();
const ORIGIN = 'http://origin/video/';
let media: MediaPackage;

beforeAll(async () => {
  const path = await folder.make(
    'film.mkv', '-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25:d=30', '-f', 'lavfi', '-i', 'sine=f=440:r=48000:d=30', '-map', '0:v', '-map', '1:a', '-map', '1:a',
    '-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-g', '50', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-metadata:s:a:0', 'language=eng', '-metadata:s:a:1', 'language=deu',
  );
  const clip = await probe(path);
  media = openPackage({ absPath: clip.path, mediaInfo: clip.info, index: clip.index });
});
afterAll(() => folder.remove());

const answer = async (url: string): Promise<Resource> => {
  const [first = '', second = ''] = url.slice(ORIGIN.length).split('/');
  const isText = url.endsWith('.m3u8');
  const isWinding = first === 'i0';
  const playlist = (): string => (isWinding ? media.iframePlaylist({ pieces: '', init: '../v0/init.mp4' }) : media.mediaPlaylist(first));
  const piece = (n: number): Promise<Uint8Array> => (isWinding ? media.iframe(n) : media.segment(first, n));
  const text = first === 'master.m3u8' ? media.masterPlaylist() : second === 'index.m3u8' ? playlist() : '';
  const bytes = isText ? new TextEncoder().encode(text) : second === 'init.mp4' ? await media.init(first) : await piece(Number.parseInt(second, 10));
  const headers: [string, string][] = isText
    ? [['content-type', 'application/vnd.apple.mpegurl'], ['content-encoding', 'gzip'], ['content-length', String(gzipSync(bytes).length)]]
    : [['content-type', /^[vi]/.test(first) ? 'video/mp4' : 'audio/mp4'], ['content-length', String(bytes.length)], ['cache-control', 'public, max-age=31536000, immutable'], ['etag', '"a"']];
  return { url, status: 200, redirected: false, headers: new Map(headers), bytes: bytes.slice() };
};
const read = (get: Get): Promise<StreamCopy> => readStream(get, `${ORIGIN}master.m3u8`, { mode: 'copy' });

/** Reads the stream with each resource whose address ends so changed. */
const spoilt = async (end: string, change: (resource: Resource) => Partial<Resource>): Promise<string[]> => {
  let changed = 0;
  const stream = await read(async (url) => {
    const resource = await answer(url);
    if (!url.endsWith(end)) return resource;
    changed += 1;
    return { ...resource, ...change(resource) };
  });
  expect(changed).toBeGreaterThan(0);
  return checkStream(stream).map(({ rule }) => rule);
};
const inText = (from: string | RegExp, to: string) => ({ bytes }: Resource): Partial<Resource> => {
  const text = new TextDecoder().decode(bytes);
  const changed = text.replace(from, to);
  expect(changed).not.toBe(text);
  return { bytes: new TextEncoder().encode(changed) };
};
/** Changes the content of the first box along a path. */
const inBox = (path: readonly string[], change: (data: DataView) => void) => ({ bytes, headers }: Resource): Partial<Resource> => {
  const own = bytes.slice();
  const [box] = find(readBoxes(own), ...path);
  expect(box, path.join('/')).toBeDefined();
  if (box) change(box.data);
  return { bytes: own, headers };
};
const rename = (path: readonly string[], to: string) => ({ bytes }: Resource): Partial<Resource> => {
  const own = bytes.slice();
  const [box] = find(readBoxes(own), ...path);
  if (!box) throw new Error(path.join('/'));
  for (let i = 0; i < 4; i += 1) own[box.data.byteOffset - own.byteOffset - 4 + i] = to.charCodeAt(i);
  return { bytes: own };
};
const append = (extra: Uint8Array) => ({ bytes, headers }: Resource): Partial<Resource> => {
  const joined = new Uint8Array(Buffer.concat([bytes, extra]));
  return { bytes: joined, headers: new Map([...headers, ['content-length', String(joined.length)]]) };
};
const emptyBox = (type: string): Uint8Array => Buffer.from([0, 0, 0, 8, ...Buffer.from(type)]);
/** Puts a box at the end of another and makes all around it longer. */
const insertInto = (path: readonly string[], extra: Uint8Array) => ({ bytes, headers }: Resource): Partial<Resource> => {
  const own = Buffer.from(bytes);
  const parents = path.map((_, i) => find(readBoxes(own), ...path.slice(0, i + 1))[0]);
  const end = parents.reduce((_, parent) => (parent ? parent.data.byteOffset - own.byteOffset + parent.data.byteLength : 0), 0);
  for (const parent of parents) if (parent) own.writeUInt32BE(parent.sizeBytes + extra.length, parent.data.byteOffset - own.byteOffset - 8);
  const joined = new Uint8Array(Buffer.concat([own.subarray(0, end), extra, own.subarray(end)]));
  return { bytes: joined, headers: new Map([...headers, ['content-length', String(joined.length)]]) };
};
const header = (name: string, value: string) => ({ headers }: Resource): Partial<Resource> => ({ headers: new Map([...headers, [name, value]]) });
const TRAF = ['moof', 'traf'] as const;

it('has nothing to say about a good stream', async () => {
  const stream = await read(answer);
  expect(stream.renditions.map(({ uri, kind, segments }) => [uri, kind, segments.length > 3])).toEqual([
    ['v0/index.m3u8', 'video', true], ['a0/index.m3u8', 'audio', true], ['a1/index.m3u8', 'audio', true], ['i0/index.m3u8', 'iframes', true],
  ]);
  expect(checkStream(stream)).toEqual([]);
});

describe('a spoilt master playlist is caught', () => {
  const cases: [what: string, from: string | RegExp, to: string, rule: string][] = [
    ['byte order mark', '#EXTM3U', '\ufeff#EXTM3U', 'RFC 8216 4.1'],
    ['first line', '#EXTM3U', '#EXTM3U8', 'RFC 8216 4.3.1.1'],
    ['unknown tag', '#EXT-X-VERSION', '#EXT-X-VERSIONS', 'RFC 8216 4.3'],
    ['space in a list', /,AVERAGE/, ', AVERAGE', 'RFC 8216 4.2'],
    ['list without quotes', /CODECS="([^"]*)"/, 'CODECS=$1', 'RFC 8216 4.2'],
    ['attribute twice', 'BANDWIDTH=', 'BANDWIDTH=1,BANDWIDTH=', 'RFC 8216 4.2'],
    ['tag of a media playlist', '#EXT-X-VERSION', '#EXT-X-TARGETDURATION:6\n#EXT-X-VERSION', 'RFC 8216 4.1'],
    ['tag between STREAM-INF and URI', 'v0/index', '#EXT-X-INDEPENDENT-SEGMENTS\nv0/index', 'RFC 8216 4.3.4.2'],
    ['no BANDWIDTH', /:BANDWIDTH=\d+,/, ':', 'RFC 8216 4.3.4.2'],
    ['no such group', /AUDIO="audio-aac"/, 'AUDIO="other"', 'RFC 8216 4.3.4.2'],
    ['same NAME', 'NAME="deu"', 'NAME="eng"', 'RFC 8216 4.3.4.1.1'],
    ['two DEFAULT', 'DEFAULT=NO', 'DEFAULT=YES', 'RFC 8216 4.3.4.1.1'],
    ['no INDEPENDENT-SEGMENTS', '#EXT-X-INDEPENDENT-SEGMENTS\n', '', 'Apple 9.12'],
    ['wrong CODECS', /avc1\.\w+/, 'avc1.640033', 'Apple 9.1'],
    ['wrong RESOLUTION', 'RESOLUTION=320x180', 'RESOLUTION=640x360', 'Apple 9.2'],
    ['wrong FRAME-RATE', 'FRAME-RATE=25.000', 'FRAME-RATE=30.000', 'Apple 9.15'],
    ['no VIDEO-RANGE', 'VIDEO-RANGE=SDR,', '', 'Apple 9.16'],
    ['BANDWIDTH too high', /BANDWIDTH=(\d)/, 'BANDWIDTH=9$1', 'Apple 1.27'],
    ['AVERAGE-BANDWIDTH above', /AVERAGE-BANDWIDTH=(\d)/, 'AVERAGE-BANDWIDTH=9$1', 'RFC 8216 4.3.4.2'],
    ['no CHANNELS', /CHANNELS="1",/, '', 'Apple 9.10'],
    ['last line', /\n$/, '', 'RFC 8216 4.1'],
  ];
  it.each(cases)('%s', async (_what, from, to, rule) => {
    expect(await spoilt('master.m3u8', inText(from, to))).toContain(rule);
  });
});

describe('a spoilt media playlist is caught', () => {
  const cases: [what: string, from: string | RegExp, to: string, rule: string][] = [
    ['target duration too short', /TARGETDURATION:\d+/, 'TARGETDURATION:3', 'RFC 8216 4.3.3.1'],
    ['target duration of its own', /TARGETDURATION:\d+/, 'TARGETDURATION:9', 'Apple 8.2'],
    ['a longer EXTINF', /EXTINF:6\.0/, 'EXTINF:6.1', 'RFC 8216 4.3.2.1'],
    ['no comma', /EXTINF:([\d.]+),/, 'EXTINF:$1', 'RFC 8216 4.3.2.1'],
    ['no EXTINF', /#EXTINF:[\d.]+,\n/, '', 'RFC 8216 4.3.2.1'],
    ['not VOD', 'PLAYLIST-TYPE:VOD', 'PLAYLIST-TYPE:EVENT', 'Apple 8.6'],
    ['no end', '#EXT-X-ENDLIST\n', '', 'RFC 8216 4.3.3.4'],
    ['version too low', 'VERSION:7', 'VERSION:3', 'RFC 8216 7'],
    ['version twice', '#EXT-X-VERSION:7', '#EXT-X-VERSION:7\n#EXT-X-VERSION:7', 'RFC 8216 4.3'],
    ['a segment twice', '1.m4s', '0.m4s', 'RFC 8216 3'],
    ['no MAP', '#EXT-X-MAP:URI="init.mp4"\n', '', 'RFC 8216 3.4'],
    ['segments swapped', /0\.m4s([\s\S]*)1\.m4s/, '1.m4s$10.m4s', 'Apple 7.3'],
  ];
  it.each(cases)('%s', async (_what, from, to, rule) => {
    expect(await spoilt('v0/index.m3u8', inText(from, to))).toContain(rule);
  });
});

describe('a spoilt playlist for winding is caught', () => {
  const cases: [what: string, end: string, change: (resource: Resource) => Partial<Resource>, rule: string][] = [
    ['not marked as one', 'i0/index.m3u8', inText('#EXT-X-I-FRAMES-ONLY\n', ''), 'RFC 8216 4.3.3.6'],
    ['a picture at another time', 'i0/2.m4s', inBox([...TRAF, 'tfdt'], (data) => data.setBigInt64(4, data.getBigInt64(4) + 1_000n)), 'RFC 8216 4.3.3.6'],
    ['sound in its line', 'master.m3u8', inText('I-FRAME-STREAM-INF:', 'I-FRAME-STREAM-INF:AUDIO="audio-aac",'), 'RFC 8216 4.3.4.3'],
  ];
  it.each(cases)('%s', async (_what, end, change, rule) => {
    expect(await spoilt(end, change)).toContain(rule);
  });
});

describe('spoilt boxes are caught', () => {
  const cases: [what: string, end: string, change: (resource: Resource) => Partial<Resource>, rule: string][] = [
    ['init without mvex', 'v0/init.mp4', rename(['moov', 'mvex'], 'free'), 'CMAF init'],
    ['init with an edit list', 'v0/init.mp4', insertInto(['moov', 'trak'], emptyBox('edts')), 'CMAF init'],
    ['init with a second track', 'v0/init.mp4', insertInto(['moov'], emptyBox('trak')), 'CMAF init'],
    ['a box that is longer than the rest', 'v0/init.mp4', ({ bytes }) => ({ bytes: bytes.slice(0, -1) }), 'CMAF init'],
    ['tfdt below 0', 'v0/0.m4s', inBox([...TRAF, 'tfdt'], (data) => data.setBigInt64(4, -1n)), 'CMAF tfdt'],
    ['tfdt a tick late', 'v0/1.m4s', inBox([...TRAF, 'tfdt'], (data) => data.setBigInt64(4, data.getBigInt64(4) + 1n)), 'Apple 7.3'],
    ['sound a frame late', 'a0/1.m4s', inBox([...TRAF, 'tfdt'], (data) => data.setBigInt64(4, data.getBigInt64(4) + 1024n)), 'Apple 7.3'],
    ['all late by a second', 'v0/0.m4s', inBox([...TRAF, 'tfdt'], (data) => data.setBigInt64(4, data.getBigInt64(4) + 1_000n)), 'Apple 8.1'],
    ['no default-base-is-moof', 'v0/1.m4s', inBox([...TRAF, 'tfhd'], (data) => data.setUint8(1, 0)), 'CMAF segment'],
    ['data offset one byte off', 'v0/1.m4s', inBox([...TRAF, 'trun'], (data) => data.setInt32(8, data.getInt32(8) + 1)), 'CMAF segment'],
    ['trailer mfra', 'v0/1.m4s', append(emptyBox('mfra')), 'CMAF segment'],
    ['half a segment', 'v0/1.m4s', ({ bytes }) => ({ bytes: bytes.slice(0, bytes.length / 2) }), 'CMAF segment'],
    ['moof without mdat', 'v0/1.m4s', rename(['mdat'], 'free'), 'CMAF segment'],
  ];
  it.each(cases)('%s', async (_what, end, change, rule) => {
    expect(await spoilt(end, change)).toContain(rule);
  });

  it('a first sample that is no sync sample', async () => {
    const rules = await spoilt('v0/1.m4s', inBox([...TRAF, 'trun'], (data) => {
      const flags = data.getUint32(0) & 0xff_ffff;
      const at = 8 + ((flags & 1) === 0 ? 0 : 4);
      // First-sample-flags, or the flags of each sample behind its duration and size.
      data.setUint32((flags & 4) === 0 ? at + ((flags & 0x100) === 0 ? 0 : 4) + ((flags & 0x200) === 0 ? 0 : 4) : at, 0x0101_0000);
    }));
    expect(rules).toContain('Apple 7.4');
  });
});

describe('spoilt answers are caught', () => {
  const cases: [what: string, end: string, change: (resource: Resource) => Partial<Resource>, rule: string][] = [
    ['playlist not gzipped', 'v0/index.m3u8', header('content-encoding', ''), 'Apple 10.1'],
    ['playlist as text', 'master.m3u8', header('content-type', 'text/plain'), 'RFC 8216 4'],
    ['segment as bytes', 'v0/0.m4s', header('content-type', 'application/octet-stream'), 'Apple 10.4'],
    ['segment that may change', 'v0/0.m4s', header('cache-control', 'max-age=60'), 'RFC 8246'],
    ['weak tag', 'v0/0.m4s', header('etag', 'W/"a"'), 'RFC 9110 8.8.3'],
    ['redirect', 'v0/0.m4s', () => ({ redirected: true }), 'Apple 8.18'],
    ['not found', 'a0/1.m4s', () => ({ status: 404 }), 'HTTP'],
    ['wrong length', 'a0/1.m4s', header('content-length', '7'), 'RFC 9110 8.6'],
  ];
  it.each(cases)('%s', async (_what, end, change, rule) => {
    expect(await spoilt(end, change)).toContain(rule);
  });
});
