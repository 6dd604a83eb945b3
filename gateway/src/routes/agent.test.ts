import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Job, Problem, Video } from '@reelay/contracts';
import { partName } from '@reelay/runtime';
import { type Lease, type NodeRow, pauseJob } from '@reelay/store';
import { runJob, testLease, testNode } from '@reelay/store/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../testing/kit.ts';

let gateway: TestGateway;
let lease: Lease;
let node: NodeRow;
let video: Video;
let job: Job;
beforeAll(async () => {
  gateway = await startTestGateway();
  lease = await testLease(gateway.sql);
  node = await testNode(gateway.sql, 'node-a');
  video = await gateway.upload('input.mp4', '0123456789');
  job = await gateway.createJob({ type: 'scan' });
  await runJob(gateway.sql, lease, job, node);
});
afterAll(() => gateway.stop());

const inAnHour = (): number => Date.now() + 3_600_000;
const sign = (payload: object, expiresAtMs = inAnHour()): string => gateway.deps.keys.sign(payload, expiresAtMs);
const ask = (method: string, path: string, raw?: string, headers: Record<string, string> = {}): Promise<Response> =>
  gateway.call(method, path, { as: null, headers, ...(raw === undefined ? {} : { raw }) });
const code = async (response: Response): Promise<[number, string]> => [response.status, ((await response.json()) as Problem).code];
const file = (over: object = {}): string => sign({ k: 'file', jobId: job.id, epoch: 1, path: video.path, ...over });

test('an input, whole and in parts, for the current attempt only', async () => {
  expect(await (await ask('GET', `/agent/v1/files/${file()}`)).text()).toBe('0123456789');
  const part = await ask('GET', `/agent/v1/files/${file()}`, undefined, { range: 'bytes=3-5' });
  expect([part.status, await part.text()]).toEqual([206, '345']);
  expect(await code(await ask('GET', `/agent/v1/files/${file({ epoch: 2 })}`))).toEqual([409, 'stale_attempt']);
  expect(await code(await ask('GET', `/agent/v1/files/${file({ path: 'inbox/none.mp4' })}`))).toEqual([404, 'file_missing']);
});

test('an input that is another file by now is not sent in its stead', async () => {
  const [row] = await gateway.sql<{ mtimeMs: number }[]>`select mtime_ms from videos where id = ${video.id}`;
  const order = (mtimeMs: number) => gateway.sql`
    update attempts set work_order = jsonb_build_object('inputs', jsonb_build_array(jsonb_build_object('path', ${video.path}::text, 'sizeBytes', 10, 'mtimeMs', ${mtimeMs}::bigint)))`;
  await order(row?.mtimeMs ?? 0);
  expect(await (await ask('GET', `/agent/v1/files/${file()}`)).text()).toBe('0123456789');
  await order(1);
  expect(await code(await ask('GET', `/agent/v1/files/${file()}`))).toEqual([409, 'source_changed']);
  await gateway.sql`update attempts set work_order = null`;
});

test('no token, a forged one, one for something else and one that ran out are refused', async () => {
  const good = file();
  for (const token of ['x', `${good.slice(0, -2)}AA`, sign({ k: 'output', jobId: job.id, epoch: 1, partPath: 'x' }), file({ k: 'other' }), sign({ k: 'file', jobId: job.id, epoch: 1, path: video.path }, 1)]) {
    expect(await code(await ask('GET', `/agent/v1/files/${token}`))).toEqual([401, 'unauthenticated']);
  }
});

test('a signed path still cannot leave the library, symlinks included', async () => {
  await symlink('/etc', join(gateway.libraryRoot, 'inbox/out'));
  for (const path of ['../secret', '/etc/hostname', 'inbox/out/hostname']) expect(await code(await ask('GET', `/agent/v1/files/${file({ path })}`))).toEqual([422, 'invalid_parameter']);
});

test('an output is written to the attempt’s own part, whole or not at all', async () => {
  const partPath = partName('playback/new folder/out "1".mp4', job.id, 1);
  const url = (over: object = {}) => `/agent/v1/outputs/${sign({ k: 'output', jobId: job.id, epoch: 1, partPath, ...over })}`;
  const put = await ask('PUT', url(), 'the film', { 'content-length': '8' });
  expect([put.status, await put.json()]).toEqual([200, { sizeBytes: 8 }]);
  expect(await readFile(join(gateway.libraryRoot, partPath), 'utf8')).toBe('the film');
  expect(await code(await ask('PUT', url(), 'the fi', { 'content-length': '8' }))).toEqual([400, 'invalid_request']);
  expect(await readdir(join(gateway.libraryRoot, 'playback/new folder'))).toEqual([]);
  for (const path of ['playback/final.mp4', partName('playback/x.mp4', job.id, 2), `../${partName('x.mp4', job.id, 1)}`]) {
    expect((await ask('PUT', url({ partPath: path }), 'x', { 'content-length': '1' })).status).toBeGreaterThanOrEqual(403);
  }
  const other = partName('playback/x.mp4', job.id, 2);
  expect(await code(await ask('PUT', url({ epoch: 2, partPath: other }), 'x', { 'content-length': '1' }))).toEqual([409, 'stale_attempt']);
});

test('effect batches are applied once, answered, and refused with the type’s own code', async () => {
  await mkdir(join(gateway.libraryRoot, 'library/videos'), { recursive: true });
  await writeFile(join(gateway.libraryRoot, 'library/videos/new.mp4'), 'x');
  const token = sign({ k: 'effects', jobId: job.id, epoch: 1 });
  const headers = { 'content-type': 'application/json' };
  const listing = JSON.stringify({ kind: 'listing', files: [{ path: 'library/videos/new.mp4', sizeBytes: 1, mtimeMs: 1, inode: '1' }] });
  const first = await ask('POST', `/agent/v1/effects/${token}/0`, listing, headers);
  expect([first.status, await first.json()]).toMatchObject([200, { unknown: ['library/videos/new.mp4'] }]);
  expect(await (await ask('POST', `/agent/v1/effects/${token}/0`, listing, headers)).json()).toEqual({ unknown: ['library/videos/new.mp4'] });
  expect((await ask('POST', `/agent/v1/effects/${token}/1`, '{"kind":"nonsense"}', headers)).status).toBe(422);
  expect(await code(await ask('POST', `/agent/v1/effects/${token}/2`, '[', headers))).toEqual([400, 'malformed_json']);
  expect(await code(await ask('POST', `/agent/v1/effects/${sign({ k: 'effects', jobId: job.id, epoch: 5 })}/0`, listing, headers))).toEqual([409, 'stale_attempt']);
  await pauseJob(gateway.sql, job.id, { release: true }, 'tester');
  expect(await code(await ask('POST', `/agent/v1/effects/${token}/3`, listing, headers))).toEqual([409, 'stale_attempt']);
});
