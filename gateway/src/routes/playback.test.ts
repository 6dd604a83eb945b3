import { readFile, rename, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { encodePacketIndex, indexFacts, type Playback, type Problem, type Video } from '@reelay/contracts';
import { findVideo } from '@reelay/store';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../testing/kit.ts';
import { ClipFolder, probe } from '../packaging/testing.ts';

let gateway: TestGateway;
const clips = new ClipFolder();
let video: Video;
beforeAll(async () => {
  gateway = await startTestGateway({ REELAY_VIEWER_LINGER_SECONDS: '0' });
  const path = await clips.make('clip.mkv', '-f', 'lavfi', '-i', 'testsrc=size=160x90:rate=25:duration=8', '-f', 'lavfi', '-i', 'sine=duration=8', '-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-g', '50', '-c:a', 'aac');
  video = await validated('clip.mkv', await readFile(path), path);
});
afterAll(async () => {
  clips.remove();
  await gateway.stop();
});

/** Uploads a clip and stores what `validate` would find. */
const validated = async (name: string, content: Buffer, path: string): Promise<Video> => {
  const uploaded = await gateway.upload(name, new Uint8Array(content));
  const { info, index } = await probe(path);
  const { sql } = gateway;
  await sql`update videos set valid = true, media = ${sql.json(JSON.parse(JSON.stringify(info)))}, duration_seconds = ${info.durationSeconds} where id = ${uploaded.id}`;
  await sql`
    insert into video_indexes (video_id, data, facts, size_bytes, mtime_ms)
    select id, ${Buffer.from(await encodePacketIndex(index))}, ${sql.json(JSON.parse(JSON.stringify(indexFacts(index))))}, size_bytes, mtime_ms from videos where id = ${uploaded.id}`;
  return uploaded;
};
/** Reads the whole body, so that no file stays open behind an answer that a test does not look at. */
const get = async (path: string, headers: Record<string, string> = {}, as: string | null = 'VIEWER', method = 'GET'): Promise<Response> => {
  const response = await gateway.call(method, path, { headers, as });
  const body = await response.arrayBuffer();
  return new Response(body.byteLength === 0 ? null : body, response);
};
const code = async (response: Response): Promise<[number, string]> => [response.status, ((await response.json()) as Problem).code];
const playback = (query = ''): Promise<Playback> => gateway.json(200, 'GET', `/api/media/videos/${video.id}/playback${query}`, { as: 'VIEWER' });

describe('the file itself', () => {
  test.each([
    [{}, 200, 0, 100], [{ range: 'bytes=0-9' }, 206, 0, 10], [{ range: 'bytes=90-' }, 206, 90, 100], [{ range: 'bytes=-5' }, 206, 95, 100],
    [{ range: 'bytes=10-19,30-39' }, 200, 0, 100], [{ range: 'bytes=5-1000' }, 206, 5, 100], [{ range: 'lines=1-2' }, 200, 0, 100],
  ])('%j answers %i', async (headers, status, from, to) => {
    const content = Uint8Array.from({ length: 100 }, (_, n) => n);
    const file = await gateway.upload('range.mp4', content);
    const response = await get(`/api/media/videos/${file.id}/file`, headers);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('video/mp4');
    expect(response.headers.get('accept-ranges')).toBe('bytes');
    expect(response.headers.get('content-length')).toBe(String(to - from));
    if (status === 206) expect(response.headers.get('content-range')).toBe(`bytes ${from}-${to - 1}/100`);
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(content.subarray(from, to));
  });

  test('416, 304, If-Range, HEAD', async () => {
    const file = await gateway.upload('conditional.mp4', 'x'.repeat(1000));
    const url = `/api/media/videos/${file.id}/file`;
    const beyond = await get(url, { range: 'bytes=1000-' });
    expect(beyond.headers.get('content-range')).toBe('bytes */1000');
    expect(await code(beyond)).toEqual([416, 'range_not_satisfiable']);
    const head = await get(url, {}, 'VIEWER', 'HEAD');
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '1000', '']);
    const etag = head.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[^"]+"$/);
    expect((await get(url, { 'if-none-match': etag })).status).toBe(304);
    expect((await get(url, { 'if-modified-since': head.headers.get('last-modified') ?? '' })).status).toBe(304);
    expect((await get(url, { 'if-range': etag, range: 'bytes=0-1' })).status).toBe(206);
    expect((await get(url, { 'if-range': '"other"', range: 'bytes=0-1' })).status).toBe(200);
  });

  test('who may see it', async () => {
    const file = await gateway.upload('mine.mp4');
    for (const part of ['file', 'playback', 'thumbnail']) expect(await code(await get(`/api/media/videos/${file.id}/${part}`, {}, null))).toEqual([401, 'unauthenticated']);
    await gateway.json(200, 'PATCH', `/api/media/videos/${file.id}`, { body: { isPublic: true } });
    expect((await get(`/api/media/videos/${file.id}/file`, {}, null)).headers.get('cache-control')).toMatch(/^public/);
    expect(await code(await get(`/api/media/videos/${file.id}/thumbnail`, {}, null))).toEqual([404, 'file_missing']);
    await writeFile(join(gateway.libraryRoot, 'thumbnails/t.jpg'), 'jpeg');
    await gateway.sql`update videos set thumbnail_path = 'thumbnails/t.jpg' where id = ${file.id}`;
    const picture = await get(`/api/media/videos/${file.id}/thumbnail?v=1`, {}, null);
    expect([picture.status, picture.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
    await gateway.sql`update videos set path = '../secret', rev = rev + 1 where id = ${file.id}`;
    expect(await code(await get(`/api/media/videos/${file.id}/file`))).toEqual([422, 'invalid_parameter']);
    await gateway.sql`delete from videos where id = ${file.id}`;
  });
});

describe('playback and segments', () => {
  test('the way to play and why; none without validation', async () => {
    expect(await playback()).toMatchObject({ mode: 'remux', masterUrl: expect.stringMatching(/^\/stream\//), fileUrl: `/api/media/videos/${video.id}/file`, reason: expect.any(String) });
    const fresh = await gateway.upload('fresh.mp4');
    expect(await gateway.json(200, 'GET', `/api/media/videos/${fresh.id}/playback`)).toMatchObject({ mode: 'none', masterUrl: null, fileUrl: null });
    const path = await clips.make('plain.mp4', '-f', 'lavfi', '-i', 'testsrc=size=160x90:rate=25:duration=2', '-c:v', 'libx264', '-pix_fmt', 'yuv420p');
    const plain = await validated('plain.mp4', await readFile(path), path);
    // Segments as well, for a player that cannot take the file after all.
    expect(await gateway.json(200, 'GET', `/api/media/videos/${plain.id}/playback`)).toMatchObject({ mode: 'direct', fileUrl: `/api/media/videos/${plain.id}/file`, masterUrl: expect.stringMatching(/^\/stream\//) });
    expect(await code(await get(`/api/media/videos/${video.id}/playback?codec=x`))).toEqual([422, 'unknown_parameter']);
  });

  test('what a client that is about to play needs first is cut while it reads the playlists, and no more', async () => {
    const root = ((await playback('?start=7')).masterUrl ?? '').replace(/master\.m3u8$/, '');
    const lies = async (name: string): Promise<boolean> => (await get(root + name, {}, 'VIEWER', 'HEAD')).headers.has('content-length');
    for (const name of ['v0/init.mp4', 'v0/1.m4s', 'a0/init.mp4', 'a0/1.m4s']) await expect.poll(() => lies(name), { message: name }).toBe(true);
    for (const name of ['v0/0.m4s', 'a0/0.m4s']) expect(await lies(name), name).toBe(false);
    expect(await code(await get(`/api/media/videos/${video.id}/playback?start=-1`))).toEqual([422, 'invalid_parameter']);
  });

  test('master, media playlist, init and every segment, with their cache rules', async () => {
    const { masterUrl } = await playback();
    const root = (masterUrl ?? '').replace(/master\.m3u8$/, '');
    const master = await get(masterUrl ?? '');
    expect(master.headers.get('content-type')).toBe('application/vnd.apple.mpegurl');
    expect(master.headers.get('cache-control')).toMatch(/^private, max-age=300/);
    expect(await master.text()).toContain('v0/index.m3u8');
    const small = await get(`${root}v0/index.m3u8`, { 'accept-encoding': 'gzip' });
    expect([small.headers.get('content-encoding'), small.headers.get('vary')]).toEqual(['gzip', 'Accept-Encoding']);
    expect(gunzipSync(await small.arrayBuffer()).toString()).toBe(await (await get(`${root}v0/index.m3u8`)).text());
    const media = await (await get(`${root}v0/index.m3u8`)).text();
    const segments = media.split('\n').filter((line) => line.endsWith('.m4s'));
    expect(segments.length).toBeGreaterThan(1);
    for (const piece of ['init.mp4', ...segments]) {
      const response = await get(`${root}v0/${piece}`);
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'video/mp4']);
      expect(response.headers.get('cache-control')).toBe('private, max-age=31536000, immutable');
      expect((await response.arrayBuffer()).byteLength).toBe(Number(response.headers.get('content-length')));
    }
    const first = `${root}v0/${segments[0] ?? ''}`;
    const etag = (await get(first)).headers.get('etag') ?? '';
    expect((await get(first, { 'if-none-match': etag })).status).toBe(304);
    expect((await get(first, { range: 'bytes=0-7' })).headers.get('content-range')).toMatch(/^bytes 0-7\//);
    const head = await get(first, {}, 'VIEWER', 'HEAD');
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect([head.headers.get('content-type'), head.headers.get('etag'), head.headers.get('content-length')]).toEqual(['video/mp4', etag, (await get(first)).headers.get('content-length')]);
    expect((await get(first.replace(/\d+\.m4s$/, '9999.m4s'), {}, 'VIEWER', 'HEAD')).status).toBe(404);
    expect((await get(`${root}a0/init.mp4`)).headers.get('content-type')).toBe('audio/mp4');
  });

  test('what is not there says so and is not kept by caches', async () => {
    const root = ((await playback()).masterUrl ?? '').replace(/master\.m3u8$/, '');
    for (const [path, status, problem] of [
      [`${root}v0/999.m4s`, 404, 'segment_not_found'], [`${root}v7/index.m3u8`, 404, 'segment_not_found'], [`/stream/${video.id}/0000/master.m3u8`, 410, 'version_gone'],
      [`/stream/${video.id}/0000/v0/0.m4s`, 410, 'version_gone'], ['/stream/not-an-id/x/master.m3u8', 404, 'video_not_found'], [`${root}v0/0.ts`, 404, 'not_found'],
    ] as const) {
      const response = await get(path);
      expect(response.headers.get('cache-control'), path).toBe('no-store');
      expect(await code(response), path).toEqual([status, problem]);
    }
    expect(await code(await get(`${root}master.m3u8`, {}, null))).toEqual([401, 'unauthenticated']);
  });

  test('a public video streams to anybody, from any page', async () => {
    await gateway.json(200, 'PATCH', `/api/media/videos/${video.id}`, { body: { isPublic: true } });
    const { masterUrl } = await playback();
    const master = await get(masterUrl ?? '', {}, null);
    expect([master.status, master.headers.get('access-control-allow-origin'), master.headers.get('cache-control')]).toEqual([200, '*', 'public, max-age=300, stale-while-revalidate=60']);
    const preflight = await get(masterUrl ?? '', { origin: 'https://example.org', 'access-control-request-method': 'GET' }, null, 'OPTIONS');
    expect([preflight.status, preflight.headers.get('access-control-allow-methods')]).toEqual([204, 'GET, HEAD']);
  });

  test('many at once open the package once', async () => {
    gateway.deps.packages.forget(video.id);
    const row = await findVideo(gateway.sql, video.id);
    if (row === null) throw new Error('no video');
    const packages = await Promise.all(Array.from({ length: 10 }, () => gateway.deps.packages.open(row)));
    expect(new Set(packages).size).toBe(1);
  });

  test('a renamed file streams on under the same version; a changed one is gone', async () => {
    const { masterUrl } = await playback();
    const root = (masterUrl ?? '').replace(/master\.m3u8$/, '');
    await gateway.json(200, 'PATCH', `/api/media/videos/${video.id}?wait=10`, { body: { filename: 'renamed.mkv' } });
    expect((await get(`${root}v0/0.m4s`)).status).toBe(200);
    const path = join(gateway.libraryRoot, 'inbox/renamed.mkv');
    await utimes(path, new Date(0), new Date(0));
    // What was cut before is in memory, and right for this version.
    expect((await get(`${root}v0/1.m4s`)).status).toBe(200);
    await gateway.deps.cache.deleteVersion(masterUrl?.split('/')[3] ?? '');
    expect(await code(await get(`${root}v0/1.m4s`))).toEqual([410, 'version_gone']);
    await rename(path, `${path}.away`);
    expect(await code(await get(`${root}v0/0.m4s`))).toEqual([410, 'version_gone']);
  });
});
