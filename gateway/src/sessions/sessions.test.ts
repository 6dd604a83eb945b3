import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { encodePacketIndex, indexFacts, type Playback, type Problem, type StreamList, type Video } from '@reelay/contracts';
import { KilledByHand } from '@reelay/runtime';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Pieces, TestFleet, type TestNode } from '../../testing/fleet.ts';
import { startTestGateway, type TestGateway } from '../../testing/kit.ts';
import { ClipFolder, probe } from '../packaging/testing.ts';
import { boxesIn } from './boxes.ts';

const FFMPEG = process.env['FFMPEG_PATH'] ?? 'ffmpeg';
const SECONDS = 60;
const clips = new ClipFolder();
let content: Buffer;
let probed: Awaited<ReturnType<typeof probe>>;
let pieces: Pieces;
let gateway: TestGateway;
let fleet: TestFleet;
let first: TestNode;
let second: TestNode;
let video: Video;
let playback: Playback;

/** What an encoder makes of the rung: an init segment, and a fragment for each segment, at their places. */
const encode = (...options: string[]): Pieces => {
  const bytes = new Uint8Array(execFileSync(FFMPEG, ['-v', 'error', '-f', 'lavfi', '-i', `testsrc2=size=160x90:rate=25:duration=${SECONDS}`, '-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-preset', 'ultrafast', '-profile:v', 'high', '-level:v', '1.3',
    '-g', '50', '-bf', '0', '-sc_threshold', '0', ...options, '-video_track_timescale', '12800', '-f', 'mp4', '-movflags', '+empty_moov+default_base_moof+skip_trailer+frag_discont+negative_cts_offsets+cmaf+frag_keyframe', 'pipe:1'], { maxBuffer: 1 << 28 }));
  const boxes = boxesIn(bytes) ?? [];
  const firstMoof = boxes.findIndex(({ type }) => type === 'moof');
  const segments = boxes.flatMap(({ type, content: at }, i) => (type === 'moof' ? [bytes.slice(at - 8, boxes[i + 1]?.end)] : []));
  return { init: bytes.slice(0, (boxes[firstMoof]?.content ?? 8) - 8), segments };
};

beforeAll(async () => {
  const path = await clips.make('clip.avi', '-f', 'lavfi', '-i', `testsrc2=size=160x90:rate=25:duration=${SECONDS}`, '-c:v', 'mpeg4', '-g', '100');
  [content, probed] = await Promise.all([readFile(path), probe(path)]);
  pieces = encode();
  gateway = await startTestGateway({ REELAY_VIEWER_LINGER_SECONDS: '0' });
});
afterAll(async () => {
  clips.remove();
  await gateway.stop();
});

let made = 0;
/** Another film each time: of another length in bytes, so that its version is its own. */
const upload = async (): Promise<Video> => {
  made += 1;
  const uploaded = await gateway.upload(`clip-${made}.avi`, new Uint8Array([...content, ...new Uint8Array(made)]));
  const { sql } = gateway;
  await sql`update videos set valid = true, media = ${sql.json(JSON.parse(JSON.stringify(probed.info)))}, duration_seconds = ${SECONDS}, rev = rev + 1 where id = ${uploaded.id}`;
  await sql`
    insert into video_indexes (video_id, data, facts, size_bytes, mtime_ms)
    select id, ${Buffer.from(await encodePacketIndex(probed.index))}, ${sql.json(JSON.parse(JSON.stringify(indexFacts(probed.index))))}, size_bytes, mtime_ms from videos where id = ${uploaded.id}`;
  return uploaded;
};

beforeEach(async () => {
  fleet = new TestFleet(gateway, () => pieces);
  [first, second] = fleet.nodes as [TestNode, TestNode];
  video = await upload();
  playback = await gateway.json(200, 'GET', `/api/media/videos/${video.id}/playback`);
});
afterEach(async () => {
  for (const { id } of gateway.deps.sessions.list()) await gateway.deps.sessions.end(id, 'the test');
  fleet.stop();
});

const url = (path: string): string => (playback.masterUrl ?? '').replace('master.m3u8', path);
const get = (path: string, headers: Record<string, string> = {}, as: string | null = 'VIEWER'): Promise<Response> => gateway.call('GET', url(path), { headers, as });
const bytesOf = async (response: Response): Promise<Uint8Array> => new Uint8Array(await response.arrayBuffer());
const segment = async (n: number, as = 'VIEWER'): Promise<Uint8Array> => {
  const response = await get(`h240/${n}.m4s`, {}, as);
  expect(response.status).toBe(200);
  return bytesOf(response);
};
const problem = async (response: Response): Promise<Pick<Problem, 'status' | 'code' | 'detail'> & { retryAfter: string | null; cache: string | null }> => {
  const { status, code, detail }: Problem = await response.json();
  return { status, code, detail, retryAfter: response.headers.get('retry-after'), cache: response.headers.get('cache-control') };
};
const list = (): Promise<StreamList> => gateway.json(200, 'GET', '/api/media/streams');
const sessionOf = (node: TestNode): string => [...node.sessions.keys()][0] ?? '';

describe('an encoded stream', () => {
  it('is known whole before anything is encoded', async () => {
    expect(playback).toMatchObject({ mode: 'transcode', renditions: [{ id: 'h240', label: '240p', width: 160, height: 90, mode: 'encode' }] });
    expect(await (await get('master.m3u8')).text()).toContain('h240/index.m3u8');
    expect((await (await get('h240/index.m3u8')).text()).match(/\.m4s/g)).toHaveLength(30);
    expect((await gateway.call('HEAD', url('h240/3.m4s'))).status).toBe(200);
    expect(fleet.asked).toEqual([]);
  });
  it('has its pieces made once, and answered like any other', async () => {
    const init = await get('h240/init.mp4');
    expect([init.status, init.headers.get('content-type'), init.headers.get('cache-control')]).toEqual([200, 'video/mp4', 'private, max-age=31536000, immutable']);
    const answers = await Promise.all(Array.from({ length: 5 }, () => segment(2)));
    for (const answer of answers) expect(answer).toEqual(new Uint8Array(pieces.segments[2] ?? []));
    expect(first.heads).toHaveLength(1);
    const again = await get('h240/2.m4s');
    const etag = again.headers.get('etag') ?? '';
    expect((await get('h240/2.m4s', { 'if-none-match': etag })).status).toBe(304);
    const part = await get('h240/2.m4s', { range: 'bytes=4-7', 'if-range': etag });
    expect([part.status, Buffer.from(await part.arrayBuffer()).toString()]).toEqual([206, 'moof']);
    expect((await list()).data).toMatchObject([{ kind: 'segments', state: 'open', nodeId: 'node-0', viewers: 1, videoTitle: expect.any(String), heads: [{ renditionId: 'h240', from: 0 }] }]);
  });
  it('says what is not there, and to whom it is not shown', async () => {
    expect(await problem(await get('h240/30.m4s'))).toMatchObject({ status: 404, code: 'segment_not_found', cache: 'no-store' });
    expect(await problem(await get('h999/0.m4s'))).toMatchObject({ status: 404, code: 'segment_not_found' });
    expect(await problem(await gateway.call('GET', `/stream/${video.id}/t00000000000000f/h240/0.m4s`))).toMatchObject({ status: 410, code: 'version_gone' });
    expect(await problem(await get('h240/0.m4s', {}, null))).toMatchObject({ status: 401 });
    expect((await gateway.call('GET', '/api/media/streams', { as: 'ADMIN' })).status).toBe(403);
  });
  it('is begun where a client says that it is about to play, and the client finds it there', async () => {
    await gateway.json(200, 'GET', `/api/media/videos/${video.id}/playback?start=31.5`, { as: 'VIEWER' });
    await expect.poll(() => first.heads.map(({ from }) => from)).toEqual([15]);
    expect(await segment(15)).toEqual(new Uint8Array(pieces.segments[15] ?? []));
    expect((await get('h240/init.mp4')).status).toBe(200);
    expect(first.heads).toHaveLength(1);
    expect((await list()).data).toMatchObject([{ viewers: 1 }]);
    expect(await problem(await gateway.call('GET', `/api/media/videos/${video.id}/playback?start=-1`, { as: 'VIEWER' }))).toMatchObject({ status: 422 });
  });
  it('that nobody comes for is begun and left alone, also without a place', async () => {
    fleet.refuse = { reason: 'All 2 places for streams are taken.', retryAfterSeconds: 7 };
    await gateway.json(200, 'GET', `/api/media/videos/${video.id}/playback?start=0`, { as: 'VIEWER' });
    await expect.poll(() => fleet.asked.length).toBe(1);
    expect(await problem(await get('h240/0.m4s'))).toMatchObject({ status: 503, code: 'no_encoder' });
  });
  it('of viewers far apart has heads of their own; a viewer who jumps leaves none behind', async () => {
    first.segmentMs = 700;
    await Promise.all([segment(0, 'VIEWER'), segment(15, 'ADMIN')]);
    expect(first.heads.map(({ from }) => from).toSorted((a, b) => a - b)).toEqual([0, 15]);
    await segment(24, 'ADMIN');
    await expect.poll(() => first.heard.flatMap((request) => (request.kind === 'keep' ? request.drop : [])).map(({ headId }) => headId)).toContain(first.heads.find(({ from }) => from === 15)?.headId);
    expect((await list()).data[0]?.viewers).toBe(2);
  });
  it('has nothing made any more for who says that they left, and all for who stays', async () => {
    first.segmentMs = 700;
    await Promise.all([segment(0, 'VIEWER'), segment(15, 'ADMIN')]);
    const dropped = () => first.heard.flatMap((request) => (request.kind === 'keep' ? request.drop : [])).map(({ headId }) => first.heads.find((head) => head.headId === headId)?.from);
    expect((await gateway.call('DELETE', `/api/media/videos/${video.id}/viewing`, { as: 'ADMIN' })).status).toBe(204);
    await expect.poll(dropped).toEqual([15]);
    expect((await list()).data).toMatchObject([{ viewers: 1, heads: [{ from: 0 }] }]);
    expect((await segment(16, 'ADMIN')).length).toBeGreaterThan(0);
    for (const as of ['ADMIN', 'VIEWER']) await gateway.call('DELETE', `/api/media/videos/${video.id}/viewing`, { as });
    await expect.poll(async () => (await list()).data).toEqual([]);
    expect(first.sessions.size).toBe(0);
    expect((await gateway.call('DELETE', `/api/media/videos/${video.id}/viewing`, { as: null })).status).toBe(401);
  });
});

describe('without a place', () => {
  it('says why, and when to come back', async () => {
    fleet.refuse = { reason: 'All 2 places for streams are taken.', retryAfterSeconds: 7 };
    expect(await problem(await get('h240/0.m4s'))).toEqual({ status: 503, code: 'no_encoder', detail: 'All 2 places for streams are taken.', retryAfter: '7', cache: 'no-store' });
  });
  it('says so without a scheduler, too', async () => {
    fleet.stop();
    expect(await problem(await get('h240/0.m4s'))).toMatchObject({ status: 503, code: 'no_encoder', detail: expect.stringContaining('No scheduler') });
  });
  it('what nobody makes is answered before a player gives up', async () => {
    first.behave = () => 'hang';
    expect(await problem(await get('h240/0.m4s'))).toMatchObject({ status: 503, code: 'encoding_slow', retryAfter: '1', cache: 'no-store' });
  });
});

describe('a head that fails', () => {
  it('once is started again where it was', async () => {
    let tries = 0;
    first.behave = () => ((tries += 1) === 1 ? 'fail' : 'send');
    await segment(3);
    expect([first.heads.length, second.heads.length]).toEqual([2, 0]);
  });
  it('twice goes to another node', async () => {
    first.behave = () => 'fail';
    await segment(3);
    expect([first.heads.length, second.heads.length, fleet.asked.at(-1)?.excludeNodes]).toEqual([2, 1, ['node-0']]);
    await expect.poll(() => first.sessions.size).toBe(0);
  });
  it('everywhere is an error with its cause, at once for a while', async () => {
    for (const node of fleet.nodes) node.behave = () => 'fail';
    expect(await problem(await get('h240/3.m4s'))).toMatchObject({ status: 500, code: 'encoding_failed', detail: 'the source is damaged', cache: 'no-store' });
    const tried = first.heads.length + second.heads.length;
    expect((await problem(await get('h240/3.m4s'))).code).toBe('encoding_failed');
    expect(first.heads.length + second.heads.length).toBe(tried);
  });
});

describe('a node', () => {
  it('that restarts or goes away loses its sessions, and the viewer hardly notices', async () => {
    await segment(0);
    first.sessions.clear();
    await segment(20);
    expect(fleet.asked).toHaveLength(2);
    const at = fleet.nodes.find(({ sessions }) => sessions.size > 0);
    at?.stop();
    expect((await segment(28)).length).toBeGreaterThan(0);
  });
  it('may send for its own session and head alone, and only what is whole and right', async () => {
    await segment(0);
    const [sessionId, headId] = [sessionOf(first), first.heads[0]?.headId ?? ''];
    const right = pieces.segments[9] ?? new Uint8Array(0);
    const put = async (name: string, bytes = right, headers = {}, head = headId): Promise<[number, string]> => {
      const answer = await first.put(sessionId, head, name, bytes, headers);
      const body: Partial<Problem> = await answer.json();
      return [answer.status, body.code ?? ''];
    };
    expect(await put('9')).toEqual([200, '']);
    expect(await put('9')).toEqual([200, '']);
    expect(await put('9', right, { 'repr-digest': `sha-256=:${'A'.repeat(43)}=:` })).toEqual([400, 'invalid_request']);
    expect(await put('9', right, { 'content-length': '3' })).toEqual([400, 'invalid_request']);
    expect(await put('9', right, { 'content-length': String(1 << 30) })).toEqual([413, 'body_too_large']);
    expect(await put('9', right, {}, crypto.randomUUID())).toEqual([409, 'segment_refused']);
    expect((await first.put('unknown', headId, '9', right)).status).toBe(401);
    expect(await put('10', right)).toEqual([409, 'segment_refused']);
    // Wrong once: nothing of that head counts any more.
    expect(await put('11', pieces.segments[11])).toEqual([409, 'segment_refused']);
    const path = first.sessions.get(sessionId)?.order.publishPath ?? '';
    await gateway.deps.sessions.end(gateway.deps.sessions.list()[0]?.id ?? '', 'me');
    expect(await problem(await gateway.call('PUT', `${path}/${headId}/9`, { raw: right, as: null }))).toMatchObject({ status: 410, code: 'session_gone' });
    expect(first.heard.at(-1)).toMatchObject({ kind: 'close', reason: 'ended by hand by me' });
    expect(fleet.ended).toContain(sessionId);
  });
  it('whose encoder needs more than the init segment promises is refused', async () => {
    await get('h240/init.mp4');
    const other = encode('-level:v', '4.0');
    const sessionId = sessionOf(first);
    expect((await first.put(sessionId, first.heads[0]?.headId ?? '', 'init', other.init)).status).toBe(409);
    expect(await bytesOf(await get('h240/init.mp4'))).toEqual(new Uint8Array(pieces.init));
  });
  it('reads a source that it does not hold with the session’s address, as long as the session lasts', async () => {
    await segment(0);
    const source = first.sessions.get(sessionOf(first))?.order.source;
    const answer = await gateway.call('GET', source?.url ?? '', { as: null, headers: { range: 'bytes=0-3' } });
    expect([answer.status, await answer.text(), source?.sizeBytes]).toEqual([206, 'RIFF', content.length + made]);
    await gateway.deps.sessions.end(gateway.deps.sessions.list()[0]?.id ?? '', 'me');
    expect((await gateway.call('GET', source?.url ?? '', { as: null })).status).toBe(410);
  });
});

describe('the end of a stream', () => {
  it('by hand is told to who waits, and lasts a moment', async () => {
    first.behave = () => 'hang';
    const waiting = get('h240/0.m4s');
    await expect.poll(() => first.heads.length).toBe(1);
    const [stream] = (await list()).data;
    expect((await gateway.call('DELETE', `/api/media/streams/${stream?.id}`, { body: { reason: 'test' } })).status).toBe(200);
    expect(await problem(await waiting)).toMatchObject({ status: 503, detail: expect.stringContaining('by hand by super_admin') });
    expect(await problem(await get('h240/0.m4s'))).toMatchObject({ status: 503, code: 'no_encoder', detail: 'The stream was ended by hand by super_admin.' });
    expect(await problem(await gateway.call('DELETE', `/api/media/streams/${stream?.id}`))).toMatchObject({ status: 404, code: 'stream_not_found' });
    expect(new KilledByHand('x').code).toBe('killed_by_hand');
  });
  it('comes when somebody with the right to it takes the file away', async () => {
    await segment(0);
    expect((await gateway.call('DELETE', `/api/media/videos/${video.id}?force=true&wait=10`)).status).toBeLessThan(300);
    await expect.poll(() => first.sessions.size).toBe(0);
    expect(await problem(await get('h240/0.m4s'))).toMatchObject({ status: 404 });
  });
});
