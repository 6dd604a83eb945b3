import { link, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Page, Problem, Role, Video } from '@reelay/contracts';
import { runJob, testLease, testNode } from '@reelay/store/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CallOptions, startTestGateway, type TestGateway } from '../../testing/kit.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ REELAY_MAX_UPLOAD_BYTES: '100000', REELAY_STALL_TIMEOUT_SECONDS: '1' });
});
afterAll(() => gateway.stop());

const NOBODY = '00000000-0000-7000-8000-000000000000';
const code = async (response: Response): Promise<[number, string]> => [response.status, ((await response.json()) as Problem).code];
const inbox = async (): Promise<string[]> => (await readdir(join(gateway.libraryRoot, 'inbox'))).filter((name) => name !== '.uploads').toSorted();
const upload = (filename: string, options: CallOptions): Promise<Response> =>
  gateway.call('POST', `/api/media/videos/upload?filename=${encodeURIComponent(filename)}`, options);
const list = (query: string, as?: string | null): Promise<Page<Video>> => gateway.json(200, 'GET', `/api/media/videos?${query}`, as === undefined ? {} : { as });
const patch = (id: string, body: unknown, as?: Role): Promise<Response> => gateway.call('PATCH', `/api/media/videos/${id}`, as === undefined ? { body } : { body, as });
const bodyOf = (chunks: (string | Error)[]): ReadableStream<Uint8Array> => new ReadableStream({
  pull(controller) {
    const chunk = chunks.shift();
    if (chunk === undefined) controller.close();
    else if (chunk instanceof Error) controller.error(chunk);
    else controller.enqueue(new TextEncoder().encode(chunk));
  },
});

test('an upload becomes a video with a validate job, in the inbox, byte for byte', async () => {
  const content = crypto.getRandomValues(new Uint8Array(60_000));
  const video = await gateway.upload('Ünïcode "film" & more.mp4', content);
  expect(video).toMatchObject({ title: 'Ünïcode "film" & more', filename: 'Ünïcode "film" & more.mp4', path: 'inbox/Ünïcode "film" & more.mp4', sizeBytes: 60_000, valid: null });
  expect(new Uint8Array(await readFile(join(gateway.libraryRoot, video.path)))).toEqual(content);
  const jobs = await gateway.json<{ data: { type: string; createdBy: string }[] }>(200, 'GET', `/api/media/jobs?videoId=${video.id}`);
  expect(jobs.data).toMatchObject([{ type: 'validate', createdBy: 'super_admin' }]);
});

test('the same name again gets a number; parallel uploads of one name never meet', async () => {
  const videos = await Promise.all(Array.from({ length: 5 }, () => gateway.upload('same.mp4')));
  expect(videos.map((video) => video.path).toSorted()).toEqual(['inbox/same (2).mp4', 'inbox/same (3).mp4', 'inbox/same (4).mp4', 'inbox/same (5).mp4', 'inbox/same.mp4']);
  await writeFile(join(gateway.libraryRoot, 'inbox/there.mp4'), 'older');
  expect((await gateway.upload('there.mp4', 'newer')).path).toBe('inbox/there (2).mp4');
  expect(await readFile(join(gateway.libraryRoot, 'inbox/there.mp4'), 'utf8')).toBe('older');
});

test('names cannot leave the inbox', async () => {
  for (const name of ['../../evil.mp4', '/etc/evil.mp4', '..\\evil.mp4', '.hidden.mp4', 'a\u0000b.mp4']) {
    const video = await gateway.upload(name);
    expect(video.path).toMatch(/^inbox\/[^/.][^/]*$/);
    expect((await stat(join(gateway.libraryRoot, video.path))).isFile()).toBe(true);
  }
  expect(await code(await upload('...', { raw: 'x' }))).toEqual([422, 'invalid_parameter']);
  expect(await code(await gateway.call('POST', '/api/media/videos/upload', { raw: 'x' }))).toEqual([422, 'invalid_parameter']);
  expect(await code(await gateway.call('POST', '/api/media/videos/upload?filename=a.mp4&folder=x', { raw: 'x' }))).toEqual([422, 'unknown_parameter']);
});

test('an empty, cut off, stalled or too large body is refused and leaves nothing', async () => {
  const before = await inbox();
  expect(await code(await upload('e.mp4', { raw: '' }))).toEqual([400, 'invalid_request']);
  const streamed = (chunks: (string | Error)[]) => gateway.app.request('/api/media/videos/upload?filename=s.mp4', {
    method: 'POST', body: bodyOf(chunks), headers: { authorization: `Bearer ${gateway.users.ADMIN.token}` }, duplex: 'half',
  } as RequestInit);
  expect(await code(await streamed(['half of it', new Error('the client went away')]))).toEqual([400, 'invalid_request']);
  expect(await code(await streamed(['x'.repeat(60_000), 'x'.repeat(60_000)]))).toEqual([413, 'body_too_large']);
  expect(await code(await upload('l.mp4', { raw: 'x', headers: { 'content-length': '100001' } }))).toEqual([413, 'body_too_large']);
  const stalled = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) });
  const response = await gateway.app.request('/api/media/videos/upload?filename=s.mp4', {
    method: 'POST', body: stalled, headers: { authorization: `Bearer ${gateway.users.ADMIN.token}` }, duplex: 'half',
  } as RequestInit);
  expect(await code(response)).toEqual([400, 'invalid_request']);
  expect(await inbox()).toEqual(before);
});

test('a repeat with the same Idempotency-Key gets the same video and no second file', async () => {
  const options = { raw: 'film', headers: { 'idempotency-key': 'up-1' } };
  const first = (await (await upload('idem.mp4', options)).json()) as Video;
  const second = await upload('idem.mp4', options);
  expect([second.status, await second.json()]).toEqual([201, first]);
  expect((await inbox()).filter((name) => name.startsWith('idem'))).toEqual(['idem.mp4']);
});

test('search, filters and sorting', async () => {
  const video = await gateway.upload('Search_me 100%.mkv');
  await gateway.sql`update videos set duration_seconds = 61, video_codec = 'hevc', orientation = 'portrait', valid = true, tags = '{Beach}' where id = ${video.id}`;
  const ids = async (query: string) => (await list(query)).data.map((found) => found.id);
  for (const query of ['q=search%20me', 'q=100%25', 'q=beach', 'codec=HEVC', 'orientation=portrait', 'minDuration=60&maxDuration=62', 'tag=Beach', 'valid=true', 'q=search&location=inbox']) {
    expect(await ids(query), query).toEqual([video.id]);
  }
  for (const query of ['q=_earch', 'tag=beach', 'minDuration=62', 'location=playback', 'location=inb']) expect(await ids(query), query).toEqual([]);
  expect((await list('sort=title&limit=2')).data).toHaveLength(2);
  expect(await code(await gateway.call('GET', '/api/media/videos?valid=maybe'))).toEqual([422, 'invalid_parameter']);
  expect(await code(await gateway.call('GET', '/api/media/videos?colour=red'))).toEqual([422, 'unknown_parameter']);
});

test('title, tags and public; a public video and the gallery need no sign-in', async () => {
  const video = await gateway.upload('gallery.mp4');
  expect(await code(await gateway.call('GET', `/api/media/videos/${video.id}`, { as: null }))).toEqual([401, 'unauthenticated']);
  expect(await (await patch(video.id, { title: '  New title ', isPublic: true, tags: ['a', 'b'] }, 'ADMIN')).json()).toMatchObject({ title: 'New title', isPublic: true, tags: ['a', 'b'] });
  expect((await gateway.call('GET', `/api/media/videos/${video.id}`, { as: null })).status).toBe(200);
  expect((await list('public=true', null)).data.map((found) => found.id)).toEqual([video.id]);
  expect(await code(await gateway.call('GET', '/api/media/videos', { as: null }))).toEqual([401, 'unauthenticated']);
  expect(await code(await gateway.call('GET', '/api/media/videos?public=false', { as: null }))).toEqual([401, 'unauthenticated']);
  expect(await code(await patch(video.id, { title: 'x' }, 'VIEWER'))).toEqual([403, 'forbidden']);
  expect(await code(await patch(video.id, {}))).toEqual([422, 'invalid_parameter']);
  expect(await code(await patch(video.id, { path: 'x' }))).toEqual([422, 'unknown_parameter']);
  expect(await code(await patch(NOBODY, { title: 'x' }))).toEqual([404, 'video_not_found']);
});

test('renaming renames the file, never over another, and only to a plain name', async () => {
  const video = await gateway.upload('before.mp4', 'content');
  await writeFile(join(gateway.libraryRoot, 'inbox/occupied.mp4'), 'other');
  expect(await code(await patch(video.id, { filename: 'occupied.mp4' }))).toEqual([409, 'name_taken']);
  expect(await readFile(join(gateway.libraryRoot, 'inbox/occupied.mp4'), 'utf8')).toBe('other');
  for (const filename of ['../up.mp4', '.hidden', 'a/b.mp4', 'x\n.mp4']) expect(await code(await patch(video.id, { filename }))).toEqual([422, 'invalid_parameter']);
  expect(await (await patch(video.id, { filename: 'after "x".mp4' })).json()).toMatchObject({ filename: 'after "x".mp4', path: 'inbox/after "x".mp4', title: 'before' });
  expect(await readFile(join(gateway.libraryRoot, 'inbox/after "x".mp4'), 'utf8')).toBe('content');
  expect(await inbox()).not.toContain('before.mp4');
});

test('delete goes to the trash and restore brings it back, beside a newer file if need be', async () => {
  const video = await gateway.upload('trash.mp4', 'the first');
  expect((await gateway.call('DELETE', `/api/media/videos/${video.id}`, { as: 'ADMIN' })).status).toBe(204);
  expect(await inbox()).not.toContain('trash.mp4');
  expect(await readFile(join(gateway.libraryRoot, '.trash', video.id, 'trash.mp4'), 'utf8')).toBe('the first');
  expect(await code(await gateway.call('GET', `/api/media/videos/${video.id}`))).toEqual([404, 'video_not_found']);
  expect(await code(await gateway.call('DELETE', `/api/media/videos/${video.id}`))).toEqual([404, 'video_not_found']);
  expect((await gateway.upload('trash.mp4', 'the second')).path).toBe('inbox/trash.mp4');
  expect(await gateway.json(200, 'POST', `/api/media/videos/${video.id}/restore`)).toMatchObject({ id: video.id, path: 'inbox/trash (2).mp4' });
  expect(await readFile(join(gateway.libraryRoot, 'inbox/trash (2).mp4'), 'utf8')).toBe('the first');
  expect(await readdir(join(gateway.libraryRoot, '.trash'))).toEqual([]);
  expect(await code(await gateway.call('POST', `/api/media/videos/${video.id}/restore`))).toEqual([404, 'video_not_found']);
});

test('a file that a job uses is neither renamed nor deleted, and the refusal names the job', async () => {
  const video = await gateway.upload('busy.mp4');
  const lease = await testLease(gateway.sql);
  const node = await testNode(gateway.sql, 'node-a');
  const job = await gateway.createJob({ type: 'thumbnail_generate', params: { videoId: video.id } });
  await runJob(gateway.sql, lease, job, node);
  for (const response of [await patch(video.id, { filename: 'other.mp4' }), await gateway.call('DELETE', `/api/media/videos/${video.id}`)]) {
    const problem = (await response.json()) as Problem;
    expect([response.status, problem.code]).toEqual([409, 'file_in_use']);
    expect(problem.detail).toContain(job.id);
  }
  expect((await patch(video.id, { title: 'still allowed' })).status).toBe(200);
  await gateway.sql`delete from jobs where id = ${job.id}`;
  expect((await gateway.call('DELETE', `/api/media/videos/${video.id}`)).status).toBe(204);
});

test('a video whose file is gone can be deleted, and the restore says what is missing', async () => {
  const video = await gateway.upload('gone.mp4');
  const moved = join(gateway.libraryRoot, 'elsewhere/gone.mp4');
  await mkdir(dirname(moved));
  await link(join(gateway.libraryRoot, video.path), moved);
  await (await import('node:fs/promises')).unlink(join(gateway.libraryRoot, video.path));
  expect(await code(await gateway.call('GET', `/api/media/videos/${video.id}/file`))).toEqual([404, 'file_missing']);
  expect(await code(await patch(video.id, { filename: 'x.mp4' }))).toEqual([404, 'file_missing']);
  expect((await gateway.call('DELETE', `/api/media/videos/${video.id}`)).status).toBe(204);
  expect(await code(await gateway.call('POST', `/api/media/videos/${video.id}/restore`))).toEqual([404, 'file_missing']);
});

test('who may write: not a VIEWER, nobody without sign-in', async () => {
  const video = await gateway.upload('roles.mp4');
  for (const [as, status] of [['VIEWER', 403], [null, 401]] as const) {
    expect((await upload('r.mp4', { raw: 'x', as })).status).toBe(status);
    expect((await gateway.call('DELETE', `/api/media/videos/${video.id}`, { as })).status).toBe(status);
    expect((await gateway.call('POST', `/api/media/videos/${video.id}/restore`, { as })).status).toBe(status);
    expect((await gateway.call('POST', '/api/media/uploads', { as, headers: { 'tus-resumable': '1.0.0', 'upload-length': '1' } })).status).toBe(status);
  }
  expect((await gateway.call('GET', `/api/media/videos/${video.id}`, { as: 'VIEWER' })).status).toBe(200);
});
