/** Segments sent past the application are the same to everybody: to players, edges, the log, the metrics, and to whom they are refused. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { type Playback, type Problem, SESSION_COOKIE, type Video } from '@reelay/contracts';
import { createLogger, Ctx, systemClock } from '@reelay/runtime';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { uploadIndexed } from '../../testing/indexed-video.ts';
import { startTestGateway, type TestGateway } from '../../testing/kit.ts';
import { bytesHeldForClients } from '../http/direct-body.ts';
import { ClipFolder } from '../packaging/testing.ts';
import { Drain } from './drain.ts';
import { FastPath } from './fast-path.ts';
import { HttpServer, type HttpServerOptions } from './http-server.ts';

const clips = new ClipFolder();
let gateway: TestGateway;
let video: Video;
let other: Video;
let playback: Playback;
let fast: HttpServer;
let plain: HttpServer;
/** Requests that the application behind the fast path has seen. */
let passedOn = 0;
let log: Record<string, unknown>[] = [];

const listening = async (fastPath?: HttpServerOptions['fastPath']): Promise<HttpServer> => {
  const { settings, requests, logger } = gateway.deps;
  const server = new HttpServer({ app: gateway.app, fastPath, settings: { ...settings, PORT: 0, HOST: '127.0.0.1' }, drain: new Drain(), requests, clock: systemClock, logger });
  await server.start(Ctx.root('test'));
  return server;
};
const ask = (path: string, headers: Record<string, string> = {}, server = fast, method = 'GET'): Promise<Response> =>
  fetch(`http://127.0.0.1:${server.port}${path}`, { method, headers });
const hashed = async (answer: Response): Promise<{ status: number; headers: Record<string, string>; body: string }> => {
  const { date: _date, 'x-request-id': _id, ...headers } = Object.fromEntries(answer.headers);
  return { status: answer.status, headers, body: Buffer.from(await crypto.subtle.digest('SHA-256', await answer.arrayBuffer())).toString('hex') };
};

beforeAll(async () => {
  const destination = { write: (line: string) => { log.push(JSON.parse(line) as Record<string, unknown>); } };
  gateway = await startTestGateway({ REELAY_VIEWER_LINGER_SECONDS: '0' }, createLogger({ service: 'gateway-test', level: 'info', destination }));
  const path = await clips.make('clip.mkv', '-f', 'lavfi', '-i', 'testsrc2=size=1280x720:rate=25:duration=8', '-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-g', '50', '-preset', 'ultrafast', '-crf', '8');
  [video, other] = [await uploadIndexed(gateway, path, 'film.mkv'), await uploadIndexed(gateway, path, 'other.mkv')];
  playback = await gateway.json(200, 'GET', `/api/media/videos/${video.id}/playback`, { as: 'VIEWER' });
  plain = await listening();
  const fastPath = new FastPath(gateway.deps);
  fast = await listening({
    before: (application) => fastPath.before((incoming, outgoing) => {
      passedOn += 1;
      application(incoming, outgoing);
    }),
  });
});
afterAll(async () => {
  await Promise.all([fast.stop(), plain.stop()]);
  clips.remove();
  await gateway.stop();
});
beforeEach(() => {
  passedOn = 0;
  log = [];
});

const bearer = (): Record<string, string> => ({ authorization: `Bearer ${gateway.users.VIEWER.token}` });
const segment = (n = 1): string => (playback.masterUrl ?? '').replace('master.m3u8', `v0/${n}.m4s`);
const signed = (): string => (playback.signedMasterUrl ?? '').replace('master.m3u8', 'v0/1.m4s');

/** Segments counted so far. */
const counted = async (): Promise<number> => {
  const text = await gateway.deps.metrics.registry.getSingleMetricAsString('http_request_duration_seconds');
  return Number(/_count\{method="GET",route="\/stream\/:videoId\/:version\/[^"]*m4s[^"]*",status="200"\} (\d+)/.exec(text)?.[1] ?? 0);
};
const codeOf = async (path: string, headers: Record<string, string> = {}): Promise<[number, string]> => {
  const answer = await ask(path, headers);
  return [answer.status, ((await answer.json()) as Problem).code];
};

test('every way in: the same answer, byte for byte and header for header', async () => {
  expect((await hashed(await ask(segment(), bearer()))).status).toBe(200);
  expect(passedOn).toBe(1);
  const session = { cookie: `a=b; ${SESSION_COOKIE}=${gateway.users.VIEWER.token}` };
  const ways: [string, Record<string, string>][] = [
    [segment(), bearer()], [segment(), session], [signed(), {}], [signed().replace('/stream/', '/'), {}], [signed(), { 'x-reelay-edge': 'checks-access' }], [segment(), { ...bearer(), origin: 'https://elsewhere.example' }],
  ];
  for (const isPublic of [false, true]) {
    await gateway.json(200, 'PATCH', `/api/media/videos/${video.id}`, { body: { isPublic } });
    for (const [path, headers] of isPublic ? [...ways, [segment(), {}] as const] : ways) {
      passedOn = 0;
      const here = await hashed(await ask(path, headers));
      expect([passedOn, here]).toEqual([0, await hashed(await ask(path, headers, plain))]);
    }
  }
  await gateway.json(200, 'PATCH', `/api/media/videos/${video.id}`, { body: { isPublic: false } });
});

test('the id of the request, its line and its count are those of any request', async () => {
  const lines: Record<string, unknown>[] = [];
  for (const server of [fast, plain]) {
    const before = await counted();
    const answer = await ask(segment(), { ...bearer(), 'x-request-id': 'mine-1' }, server);
    await answer.arrayBuffer();
    expect([answer.headers.get('x-request-id'), (await counted()) - before]).toEqual(['mine-1', 1]);
    await expect.poll(() => log.length).toBe(lines.length + 1);
    const { time: _time, tookMs, totalMs, ...line } = log.at(-1) ?? {};
    expect([typeof tookMs, typeof totalMs]).toEqual(['number', 'number']);
    lines.push(line);
  }
  expect(lines[0]).toEqual(lines[1]);
  expect(lines[0]).toMatchObject({ requestId: 'mine-1', path: segment(), status: 200 });
  expect((await ask(segment(), bearer())).headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  await (await ask(signed())).arrayBuffer();
  await expect.poll(() => log.at(-1)?.['path']).toMatch(/^\/s\/\[removed\]\/stream\//);
});

test('whoever may not see it is told so by the application, also when its segments lie there', async () => {
  expect(await codeOf(segment())).toEqual([401, 'unauthenticated']);
  expect(await codeOf(segment(), { authorization: 'Bearer nonsense' })).toEqual([401, 'unauthenticated']);
  expect(await codeOf(signed().replace(/\/s\/./, '/s/x'))).toEqual([401, 'unauthenticated']);
  expect(await codeOf(signed().replace(video.id, other.id))).toEqual([401, 'unauthenticated']);
  // Under the name of a video that the caller may see.
  await gateway.json(200, 'PATCH', `/api/media/videos/${other.id}`, { body: { isPublic: true } });
  const theirs: Playback = await gateway.json(200, 'GET', `/api/media/videos/${other.id}/playback`, { as: null });
  const version = segment().split('/')[3] ?? '';
  expect(theirs.masterUrl).not.toContain(version);
  expect(await codeOf(segment().replace(video.id, other.id))).toEqual([410, 'version_gone']);
  expect(await codeOf(segment().replace(video.id, '00000000-0000-7000-8000-000000000000'), bearer())).toEqual([404, 'video_not_found']);
});

test('a signed-out viewer gets none within moments', async () => {
  const { token } = await gateway.json<{ token: string }>(200, 'POST', '/api/auth/login', { as: null, body: { username: 'viewer', password: 'a good password' } });
  const headers = { authorization: `Bearer ${token}` };
  expect((await ask(segment(), headers)).status).toBe(200);
  await gateway.call('POST', '/api/auth/logout', { as: token });
  expect((await ask(segment(), headers)).status).toBe(401);
});

test('parts, conditions, heads, queries and what is not there are for the application', async () => {
  await (await ask(segment(), bearer())).arrayBuffer();
  const tag = (await ask(segment(), bearer())).headers.get('etag') ?? '';
  passedOn = 0;
  const answers = [
    await ask(segment(), { ...bearer(), range: 'bytes=0-9' }), await ask(segment(), { ...bearer(), 'if-none-match': tag }), await ask(segment(), bearer(), fast, 'HEAD'),
    await ask(segment(9_999), bearer()), await ask(`${segment()}/`, bearer()), await ask(segment().replace('/v0/', '/v9/'), bearer()),
  ];
  expect(answers.map(({ status }) => status)).toEqual([206, 304, 200, 404, 404, 404]);
  expect(passedOn).toBe(answers.length);
});

test.each(['fast', 'plain'])('a client that leaves with a hundred requests waiting behind each other leaves nothing open: %s', async (which) => {
  const { byteLength } = await (await ask(segment(0), bearer())).arrayBuffer();
  expect(byteLength).toBeGreaterThan(500_000);
  log = [];
  const socket = connect((which === 'fast' ? fast : plain).port, '127.0.0.1');
  await once(socket, 'connect');
  socket.pause();
  // More than the sockets' buffers hold.
  for (let n = 0; n < 100; n += 1) socket.write(`GET ${segment(0)} HTTP/1.1\r\nHost: x\r\nAuthorization: ${bearer()['authorization']}\r\n\r\n`);
  await expect.poll(() => gateway.deps.requests.size).toBeGreaterThan(0);
  socket.destroy();
  await expect.poll(() => gateway.deps.requests.size).toBe(0);
  await expect.poll(() => log.some(({ code }) => code === 'client_gone')).toBe(true);
  expect(bytesHeldForClients()).toBe(0);
});

test('who asks a gateway on its way out is sent to another', async () => {
  gateway.deps.drain.enter('refusing');
  const answer = await ask(segment(), bearer());
  expect([answer.status, ((await answer.json()) as Problem).code]).toEqual([502, 'gateway_stopping']);
});
