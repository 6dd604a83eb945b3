import { createHash } from 'node:crypto';
import { link, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ctx, newId, ReleaseStack, Shutdown } from '@reelay/runtime';
import type { Problem, Video } from '@reelay/contracts';
import { acquireLease } from '@reelay/store';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../testing/kit.ts';
import { startGateway } from '../gateway.ts';
import type { App } from '../http/env.ts';
import type { Requests } from '../server/requests.ts';
import { UPLOAD_LEASE } from '../uploads/upload-locks.ts';

/** Two gateways on one library. */
let gateway: TestGateway;
let other: App;
let otherRequests: Requests;
const release = new ReleaseStack();
beforeAll(async () => {
  gateway = await startTestGateway({ REELAY_MAX_UPLOAD_BYTES: '100000' });
  const { deps } = gateway;
  const second = await startGateway(Ctx.root('other'), release, { ...deps, processMetrics: false });
  [other, otherRequests] = [second.app, second.deps.requests];
});
afterAll(async () => {
  await release.release();
  await gateway.stop();
});

const TUS = { 'tus-resumable': '1.0.0' };
const metadata = (name: string): string => `filename ${Buffer.from(name).toString('base64')}`;
const call = (app: App, method: string, path: string, headers: Record<string, string> = {}, body?: BodyInit | ReadableStream): Promise<Response> =>
  Promise.resolve(app.request(path, { method, headers: { authorization: `Bearer ${gateway.users.SUPER_ADMIN.token}`, ...TUS, ...headers }, ...(body === undefined ? {} : { body, duplex: 'half' }) }));
const create = async (size: number, name = `${newId()}.mp4`): Promise<string> => {
  const response = await call(gateway.app, 'POST', '/api/media/uploads', { 'upload-length': String(size), 'upload-metadata': metadata(name) });
  expect(response.status).toBe(201);
  return response.headers.get('location') ?? '';
};
const patch = (app: App, location: string, offset: number, body: BodyInit | ReadableStream, headers: Record<string, string> = {}): Promise<Response> =>
  call(app, 'PATCH', location, { 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream', ...headers }, body);
const offsetOf = async (app: App, location: string): Promise<string | null> => (await call(app, 'HEAD', location)).headers.get('upload-offset');
const problem = async (response: Response): Promise<[number, string]> => [response.status, ((await response.json()) as Problem).code];
const videoOf = (response: Response): Promise<Video> => gateway.json<Video>(200, 'GET', `/api/media/videos/${response.headers.get('x-reelay-video-id') ?? ''}`);
const contentOf = async ({ path }: Video): Promise<string> => readFile(join(gateway.libraryRoot, path), 'utf8');
const parts = (): Promise<string[]> => readdir(join(gateway.libraryRoot, 'inbox/.uploads'));
const idOf = (location: string): string => location.split('/').at(-1) ?? '';
const partOf = (location: string): string => join(gateway.libraryRoot, 'inbox/.uploads', idOf(location));

const sum = (text: string, name = 'sha1') => ({ 'upload-checksum': `${name} ${createHash(name).update(text).digest('base64')}` });

/** A client that sends when it is told to. */
const slowly = () => {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({ start: (given) => {
    controller = given;
  } });
  return { body, send: (text: string) => controller?.enqueue(new TextEncoder().encode(text)), end: () => controller?.close() };
};

describe('one client', () => {
  test('creates, sends in two parts, resumes at the offset, and has a video at the end', async () => {
    const location = await create(10, 'résumé film.mp4');
    expect(location).toMatch(/^\/api\/media\/uploads\/[0-9a-f]{32}$/);
    expect((await patch(gateway.app, location, 0, '01234')).headers.get('upload-offset')).toBe('5');
    expect(await offsetOf(gateway.app, location)).toBe('5');
    expect(await problem(await patch(gateway.app, location, 3, 'xx'))).toEqual([409, 'upload_conflict']);
    const last = await patch(gateway.app, location, 5, '56789');
    expect(last.status).toBe(204);
    const video = await videoOf(last);
    expect([video.filename, video.sizeBytes, await contentOf(video)]).toEqual(['résumé film.mp4', 10, '0123456789']);
    expect(await parts()).toEqual([]);
    expect(await gateway.sql`select 1 from leases where starts_with(name, 'upload:')`).toHaveLength(0);
    expect((await call(gateway.app, 'GET', location)).status).toBe(405);
  });

  test('who did not hear that the upload is over hears it again, on either gateway', async () => {
    const location = await create(4);
    const [first, again] = [await patch(gateway.app, location, 0, 'abcd'), await call(other, 'HEAD', location)];
    expect([again.status, again.headers.get('upload-offset'), again.headers.get('upload-length')]).toEqual([200, '4', '4']);
    expect(again.headers.get('x-reelay-video-id')).toBe(first.headers.get('x-reelay-video-id'));
    // What a gateway leaves that is killed right after the commit.
    await writeFile(partOf(location), 'abcd');
    expect((await patch(other, location, 4, '')).status).toBe(204);
    expect(await parts()).toEqual([]);
    expect(await problem(await patch(other, location, 0, 'abcd'))).toEqual([409, 'upload_conflict']);
    expect(await problem(await call(other, 'DELETE', location))).toEqual([404, 'upload_not_found']);
  });

  test('gives up: nothing stays', async () => {
    const location = await create(10);
    await patch(gateway.app, location, 0, 'abc');
    expect((await call(other, 'DELETE', location)).status).toBe(204);
    expect((await call(gateway.app, 'HEAD', location)).status).toBe(404);
    expect((await parts()).filter((name) => name.startsWith(idOf(location)))).toEqual([]);
  });

  test('what is refused', async () => {
    const post = (headers: Record<string, string>) => call(gateway.app, 'POST', '/api/media/uploads', headers);
    expect(await problem(await post({ 'upload-length': '100001', 'upload-metadata': metadata('a.mp4') }))).toEqual([413, 'body_too_large']);
    expect(await problem(await post({ 'upload-length': '5' }))).toEqual([422, 'invalid_parameter']);
    expect((await post({ 'upload-length': '0', 'upload-metadata': metadata('a.mp4') })).status).toBe(400);
    const location = await create(3);
    expect((await patch(gateway.app, location, 0, 'abcd')).status).toBe(413);
    expect(await offsetOf(gateway.app, location)).toBe('0');
  });

  test('a checksum: what does not match, or breaks off, is not kept', async () => {
    const options = await call(gateway.app, 'OPTIONS', '/api/media/uploads');
    expect([options.headers.get('tus-extension'), options.headers.get('tus-checksum-algorithm')]).toEqual([expect.stringContaining('checksum'), 'sha1,sha256,md5']);
    const location = await create(8);
    expect((await patch(gateway.app, location, 0, 'abcd', sum('abcd'))).status).toBe(204);
    expect(await problem(await patch(gateway.app, location, 4, 'efgX', sum('efgh')))).toEqual([460, 'upload_conflict']);
    expect(await offsetOf(gateway.app, location)).toBe('4');
    expect((await patch(gateway.app, location, 4, 'efgh', { 'upload-checksum': 'crc9 AAAA' })).status).toBe(400);
    // Killed while bytes arrived that were still to be checked.
    await writeFile(partOf(location), 'abcdXX');
    await writeFile(`${partOf(location)}.from`, '4');
    expect(await offsetOf(other, location)).toBe('4');
    const last = await patch(other, location, 4, 'efgh', sum('efgh', 'sha256'));
    expect(await contentOf(await videoOf(last))).toBe('abcdefgh');
  });
});

describe('two gateways', () => {
  test('begun on one, continued on the other, in turns', async () => {
    const location = await create(26);
    const alphabet = 'abcdefghijklmnopqrstuvwxyz';
    let last = new Response();
    for (let at = 0; at < 26; at += 1) last = await patch(at % 2 === 0 ? other : gateway.app, location, at, alphabet[at] ?? '');
    expect(await contentOf(await videoOf(last))).toBe(alphabet);
  });

  test('whoever comes back elsewhere gets the upload: the request that stands still lets go and says how far it came', async () => {
    const location = await create(10);
    const stuck = slowly();
    const first = patch(gateway.app, location, 0, stuck.body);
    stuck.send('01234');
    await expect.poll(() => readFile(partOf(location), 'utf8')).toBe('01234');
    expect(await offsetOf(other, location)).toBe('5');
    expect([(await first).status, (await first).headers.get('upload-offset')]).toEqual([204, '5']);
    stuck.send('too late');
    expect(await contentOf(await videoOf(await patch(other, location, 5, '56789')))).toBe('0123456789');
  });

  test('the gateway that had it was killed: its lease runs out while the next request waits', async () => {
    const location = await create(4);
    await patch(gateway.app, location, 0, 'ab');
    await acquireLease(gateway.sql, `${UPLOAD_LEASE}${idOf(location)}`, 'killed', 1_000);
    expect((await patch(other, location, 2, 'cd')).status).toBe(204);
  });

  test('one that does not let go: 423', async () => {
    const location = await create(4);
    await acquireLease(gateway.sql, `${UPLOAD_LEASE}${idOf(location)}`, 'stubborn', 60_000);
    expect(await problem(await patch(other, location, 0, 'abcd'))).toEqual([423, 'upload_conflict']);
  });

  test('a gateway whose lease was taken while it stood still writes nothing more', async () => {
    const location = await create(10);
    const stuck = slowly();
    const first = patch(gateway.app, location, 0, stuck.body);
    stuck.send('01234');
    await expect.poll(() => readFile(partOf(location), 'utf8')).toBe('01234');
    await gateway.sql`update leases set holder = 'another', term = term + 1 where name = ${`${UPLOAD_LEASE}${idOf(location)}`}`;
    await expect.poll(() => first.then(({ status }) => status), { timeout: 8_000 }).toBe(204);
    expect(await readFile(partOf(location), 'utf8')).toBe('01234');
  });

  test('the last byte sent to both at once makes one video', async () => {
    for (let round = 0; round < 5; round += 1) {
      const location = await create(6);
      await patch(gateway.app, location, 0, '01234');
      const answers = await Promise.all([gateway.app, other, gateway.app].map((app) => patch(app, location, 5, '5')));
      expect(answers.map(({ status }) => status).filter((status) => status !== 204 && status !== 409)).toEqual([]);
      const ids = new Set(answers.flatMap((answer) => answer.headers.get('x-reelay-video-id') ?? []));
      expect(ids.size).toBe(1);
    }
    const [row] = await gateway.sql<{ doubled: number }[]>`select count(*)::int as doubled from (select inode from videos group by inode having count(*) > 1) twice`;
    expect(row?.doubled).toBe(0);
  });
});

describe('a gateway is killed', () => {
  test('when all bytes were there, before the video was made: the last byte is asked for again', async () => {
    const location = await create(6);
    await writeFile(partOf(location), '012345');
    expect(await offsetOf(other, location)).toBe('5');
    expect(await contentOf(await videoOf(await patch(other, location, 5, '5')))).toBe('012345');
  });

  test('when the file had its name, before the record was there: the next one takes that file', async () => {
    const name = `${newId()}.mp4`;
    const location = await create(6, name);
    await writeFile(partOf(location), '012345');
    await link(partOf(location), join(gateway.libraryRoot, 'inbox', name));
    const video = await videoOf(await patch(other, location, 5, '5'));
    expect([video.filename, await contentOf(video)]).toEqual([name, '012345']);
    expect((await readdir(join(gateway.libraryRoot, 'inbox'))).filter((found) => found.startsWith(name.slice(0, -4)))).toEqual([name]);
  });

  test('while it wrote down what the client said: the upload is unknown, and its rest is removed in time', async () => {
    const location = await create(6);
    await writeFile(`${partOf(location)}.json`, '{"id":"');
    expect((await call(other, 'HEAD', location)).status).toBe(404);
    await truncate(`${partOf(location)}.json`, 0);
    expect((await call(other, 'HEAD', location)).status).toBe(404);
  });
});

// The last test: its gateway serves nothing afterwards.
test('at the deadline of a stop the request says how far it came, and another gateway goes on from there', async () => {
  const location = await create(10);
  const slow = slowly();
  const cut = patch(other, location, 0, slow.body);
  slow.send('01234');
  await expect.poll(() => readFile(partOf(location), 'utf8')).toBe('01234');
  otherRequests.cancelAll(new Shutdown('test'));
  expect([(await cut).status, (await cut).headers.get('upload-offset')]).toEqual([204, '5']);
  expect((await patch(other, location, 5, '56789')).status).toBe(503);
  expect(await contentOf(await videoOf(await patch(gateway.app, location, 5, '56789')))).toBe('0123456789');
});
