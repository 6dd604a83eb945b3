/** Signed addresses and cookies: what they open, for how long, and what ends them. */
import { writeFile } from 'node:fs/promises';
import { type Playback, type Problem, SESSION_COOKIE, type Video, VIEW_COOKIE } from '@reelay/contracts';
import { createLogger } from '@reelay/runtime';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { uploadIndexed } from '../../testing/indexed-video.ts';
import { PASSWORD, startTestGateway, type TestGateway } from '../../testing/kit.ts';
import { signViewToken } from '../access/view-token.ts';
import { ClipFolder } from '../packaging/testing.ts';

let gateway: TestGateway;
let video: Video;
let other: Video;
let playback: Playback;
const clips = new ClipFolder();
let log = '';

beforeAll(async () => {
  const destination = { write: (line: string) => { log += line; } };
  gateway = await startTestGateway({ REELAY_VIEWER_LINGER_SECONDS: '0' }, createLogger({ service: 'gateway-test', level: 'debug', destination }));
  const path = await clips.make('clip.mkv', '-f', 'lavfi', '-i', 'testsrc=size=160x90:rate=25:duration=8', '-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-g', '50');
  [video, other] = [await uploadIndexed(gateway, path, 'film.mkv'), await uploadIndexed(gateway, path, 'other.mkv')];
});
afterAll(async () => {
  clips.remove();
  await gateway.stop();
});
beforeEach(async () => {
  playback = await playbackAs('VIEWER');
});

const playbackAs = (as: string | null, headers: Record<string, string> = {}): Promise<Playback> => gateway.json(200, 'GET', `/api/media/videos/${video.id}/playback`, { as, headers });
const get = async (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> => {
  const response = await gateway.call(method, path, { as: null, headers });
  const body = await response.arrayBuffer();
  return new Response(body.byteLength === 0 ? null : body, response);
};
const refused = async (path: string, headers: Record<string, string> = {}): Promise<[number, string]> => {
  const response = await get(path, headers);
  expect(response.headers.get('cache-control')).toBe('no-store');
  return [response.status, ((await response.json()) as Problem).code];
};
const master = (): string => playback.signedMasterUrl ?? '';
const lines = async (response: Response): Promise<string[]> => (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
const signIn = async (): Promise<string> =>
  (await gateway.json<{ token: string }>(200, 'POST', '/api/auth/login', { as: null, body: { username: 'viewer', password: PASSWORD } })).token;
/** The cookie of this video, as a browser would send it. */
const viewCookie = async (session: string): Promise<string> => {
  const answer = await gateway.call('GET', `/api/media/videos/${video.id}/playback`, { as: null, headers: { cookie: `${SESSION_COOKIE}=${session}` } });
  const set = answer.headers.get('set-cookie') ?? '';
  expect(set).toMatch(new RegExp(`^${VIEW_COOKIE}=[\\w.-]+; Max-Age=43\\d{3}; Path=/stream/${video.id}/; HttpOnly; SameSite=Lax$`));
  return set.split(';')[0] ?? '';
};

test('the whole film from one address, without a sign-in; playlists hold no token', async () => {
  expect(master()).toMatch(new RegExp(`^/s/[\\w.-]+/stream/${video.id}/[0-9a-f]+/master\\.m3u8$`));
  expect(Date.parse(playback.signedUntil ?? '') - Date.now()).toBeGreaterThan(11.9 * 3_600_000);
  const answer = await get(master());
  expect([answer.status, answer.headers.get('cache-control'), answer.headers.get('access-control-allow-origin')]).toEqual([200, 'private, max-age=300, stale-while-revalidate=60', '*']);
  const renditions = await lines(answer);
  for (const rendition of renditions) {
    const list = new URL(rendition, `http://x${master()}`).pathname;
    expect(list.startsWith(master().replace('master.m3u8', ''))).toBe(true);
    for (const piece of await lines(await get(list))) {
      expect(piece).not.toContain('/');
      expect((await get(new URL(piece, `http://x${list}`).pathname)).status).toBe(200);
    }
  }
});

test('also without the word “stream” in the address', async () => {
  const short = master().replace('/stream/', '/');
  const [rendition = ''] = await lines(await get(short));
  const list = new URL(rendition, `http://x${short}`).pathname;
  const [piece = ''] = await lines(await get(list));
  expect((await get(new URL(piece, `http://x${list}`).pathname)).status).toBe(200);
  expect(await refused(short.replace(video.id, other.id))).toEqual([401, 'unauthenticated']);
});

test('the file, the thumbnail and their like', async () => {
  const file = await get(playback.signedFileUrl ?? '', { range: 'bytes=0-9' });
  expect([file.status, file.headers.get('content-length'), file.headers.get('cache-control')]).toEqual([206, '10', 'private, max-age=0, must-revalidate']);
  await writeFile(`${gateway.libraryRoot}/thumbnails/t.jpg`, 'jpeg');
  await gateway.sql`update videos set thumbnail_path = 'thumbnails/t.jpg', rev = rev + 1 where id = ${video.id}`;
  gateway.deps.views.forgetVideos();
  expect((await get((playback.signedFileUrl ?? '').replace(/file$/, 'thumbnail'))).status).toBe(200);
  expect((await get((playback.signedFileUrl ?? '').replace(/file$/, 'live.mp4'), {}, 'HEAD')).status).toBe(200);
});

test('nothing but that one video, and only what is looked at', async () => {
  expect(await refused(master().replace(video.id, other.id))).toEqual([401, 'unauthenticated']);
  expect(await refused((playback.signedFileUrl ?? '').replace(video.id, other.id))).toEqual([401, 'unauthenticated']);
  const prefix = master().replace(/\/stream\/.*$/, '');
  for (const path of ['/api/auth/me', '/api/media/videos', `/api/media/videos/${video.id}`, `/api/media/videos/${video.id}/playback`]) expect((await get(prefix + path)).status).toBe(404);
  const [body = '', mac = ''] = prefix.slice(3).split('.');
  for (const bad of [`${body}.${mac.slice(1)}A`, 'x', `${Buffer.from('{"p":{"k":"view"},"e":9e15}').toString('base64url')}.${mac}`, gateway.deps.keys.sign({ k: 'session', v: video.id, u: gateway.users.VIEWER.id }, Date.now() + 60_000)]) {
    expect(await refused(master().replace(prefix, `/s/${bad}`))).toEqual([401, 'unauthenticated']);
  }
});

test('until its end; asking again gives a new one while the old one still is good', async () => {
  const { id: u } = gateway.users.VIEWER;
  const path = (playback.masterUrl ?? '');
  const old = `/s/${signViewToken(gateway.deps.keys, { v: video.id, u }, Date.now() - 1)}${path}`;
  const response = await get(old);
  expect([response.status, ((await response.json()) as Problem).detail]).toEqual([401, 'The signed address has expired: ask for the playback of the video again']);
  const before = master();
  playback = await playbackAs('VIEWER');
  expect([(await get(before)).status, (await get(master())).status]).toEqual([200, 200]);
});

test('a film of 20 hours has an hour to spare', async () => {
  await gateway.sql`update videos set duration_seconds = 72000 where id = ${video.id}`;
  const { signedUntil } = await playbackAs('VIEWER');
  await gateway.sql`update videos set duration_seconds = 8 where id = ${video.id}`;
  expect(Date.parse(signedUntil ?? '') - Date.now()).toBeGreaterThan(20.9 * 3_600_000);
});

test('nobody who is not signed in gets one, also not for a public video', async () => {
  await gateway.json(200, 'PATCH', `/api/media/videos/${video.id}`, { body: { isPublic: true } });
  expect(await playbackAs(null)).toMatchObject({ signedMasterUrl: null, signedFileUrl: null, signedUntil: null, masterUrl: expect.any(String) });
  expect((await get(playback.masterUrl ?? '')).headers.get('cache-control')).toMatch(/^public/);
  await gateway.json(200, 'PATCH', `/api/media/videos/${video.id}`, { body: { isPublic: false } });
  // At once, although it was public a moment ago.
  expect(await refused(playback.masterUrl ?? '')).toEqual([401, 'unauthenticated']);
});

test('a cookie for the segments of this video, which ends with the sign-in it came with', async () => {
  const session = await signIn();
  const cookie = await viewCookie(session);
  const path = playback.masterUrl ?? '';
  expect((await get(path, { cookie })).status).toBe(200);
  expect(await refused(path.replace(video.id, other.id), { cookie })).toEqual([401, 'unauthenticated']);
  expect((await gateway.call('POST', '/api/auth/logout', { as: session })).status).toBe(204);
  expect(await refused(path, { cookie })).toEqual([401, 'unauthenticated']);
  // Nor as an address.
  expect(await refused(`/s/${cookie.slice(VIEW_COOKIE.length + 1)}${path}`)).toEqual([401, 'unauthenticated']);
});

test('a token dies with its user, and a deleted video is gone', async () => {
  const user = await gateway.json<{ id: string }>(201, 'POST', '/api/users', { body: { username: 'guest', password: PASSWORD, role: 'VIEWER' } });
  const { token } = await gateway.json<{ token: string }>(200, 'POST', '/api/auth/login', { as: null, body: { username: 'guest', password: PASSWORD } });
  const { signedMasterUrl } = await gateway.json<Playback>(200, 'GET', `/api/media/videos/${other.id}/playback`, { as: token });
  expect((await get(signedMasterUrl ?? '')).status).toBe(200);
  expect((await gateway.call('DELETE', `/api/users/${user.id}`)).status).toBe(204);
  expect(await refused(signedMasterUrl ?? '')).toEqual([401, 'unauthenticated']);
  const mine = await gateway.json<Playback>(200, 'GET', `/api/media/videos/${other.id}/playback`, { as: 'VIEWER' });
  expect((await get(mine.signedMasterUrl ?? '')).status).toBe(200);
  await gateway.call('DELETE', `/api/media/videos/${other.id}`);
  expect(await refused(mine.signedMasterUrl ?? '')).toEqual([404, 'video_not_found']);
});

test('what an edge asks: yes or no, kept for moments only where it is checked', async () => {
  const edge = { 'x-reelay-edge': 'checks-access' };
  const prefix = master().replace(/\/stream\/.*$/, '');
  const asks = async (path: string, headers: Record<string, string> = {}): Promise<(string | number | null)[]> => {
    const { status, headers: told } = await get(path, headers);
    return [status, told.get('x-reelay-access'), told.get('x-accel-expires'), told.get('cache-control')];
  };
  const at = `/api/media/videos/${video.id}/access`;
  expect(await asks(at, edge)).toEqual([204, 'no', '1', 'private, no-store']);
  expect(await asks(prefix + at, edge)).toEqual([204, 'yes', '10', 'private, no-store']);
  expect(await asks(prefix + at)).toEqual([204, 'yes', null, 'private, no-store']);
  expect(await asks(at.replace(video.id, other.id), edge)).toEqual([204, 'no', '1', 'private, no-store']);
  expect((await get(master(), edge)).headers.get('x-accel-expires')).toBe('300');
  expect((await get(master())).headers.get('x-accel-expires')).toBeNull();
});

test('no token reaches the log', async () => {
  await get(master());
  await get(`${master()}/nothing`);
  const token = master().split('/')[2] ?? '';
  expect(log).toContain('/s/[removed]/stream/');
  expect(log.includes(token.slice(0, 20))).toBe(false);
  expect(log.includes(token.slice(-20))).toBe(false);
});
