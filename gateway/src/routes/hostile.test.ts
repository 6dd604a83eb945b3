/** What a hostile or clumsy client sends: each time a clear refusal, at once, and nothing is left behind. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Job, Problem, Ready } from '@reelay/contracts';
import { testNode } from '@reelay/store/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CallOptions, PASSWORD, startTestGateway, type TestGateway } from '../../testing/kit.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

const refusal = async (status: number, method: string, path: string, options?: CallOptions): Promise<string> => (await gateway.json<Problem>(status, method, path, options)).code;

describe('text that Postgres cannot hold', () => {
  test.each(['\u0000', 'a\u0000b', '\ud800', 'x\udfffy'])('%j is refused wherever it comes', async (text) => {
    const { id } = await gateway.upload('text.mp4');
    const bodies: [string, string, unknown][] = [
      ['POST', '/api/auth/login', { username: text, password: 'x' }],
      ['POST', '/api/auth/tokens', { name: text }],
      ['PATCH', `/api/media/videos/${id}`, { title: text }],
      ['PATCH', `/api/media/videos/${id}`, { tags: [text] }],
      ['POST', '/api/media/jobs', { type: 'scan', labels: { a: text } }],
      ['POST', '/api/media/jobs', { type: 'scan', labels: { [text]: 'a' } }],
      ['POST', '/api/media/jobs', { type: 'public_scan', params: { path: text } }],
      ['POST', '/api/media/jobs', { type: 'reencode_streaming', params: { videoId: id, outputPath: `playback/${text}.mp4` } }],
    ];
    for (const [method, path, body] of bodies) expect(await refusal(422, method, path, { body }), `${method} ${path} ${JSON.stringify(body)}`).toBe('invalid_parameter');
  });

  test('in a query too', async () => {
    for (const path of ['jobs?q=', 'jobs?nodeId=', 'jobs?createdBy=', 'videos?q=', 'videos?codec=', 'videos?tag=', 'videos?location=']) {
      expect(await refusal(422, 'GET', `/api/media/${path}a%00b`), path).toBe('invalid_parameter');
    }
  });

  test('among many jobs only the bad one is refused', async () => {
    const jobs = [{ type: 'scan' }, { type: 'scan', labels: { a: '\u0000' } }, { type: 'scan', labels: { '\ud800': 'a' } }, null, { type: 'scan' }];
    const answer = await gateway.json<{ data: Job[]; errors: { index: number; code: string }[] }>(201, 'POST', '/api/media/jobs/bulk', { body: { jobs } });
    expect(answer.data).toHaveLength(2);
    expect(answer.errors).toMatchObject([{ index: 1, code: 'invalid_parameter' }, { index: 2, code: 'invalid_parameter' }, { index: 3, code: 'invalid_parameter' }]);
  });

  test('as the name of an upload it becomes one that can be stored', async () => {
    expect((await gateway.upload('a\u0000b.mp4')).path).toBe('inbox/a_b.mp4');
  });
});

describe('paths of a job', () => {
  test('that no file of a user has are refused when the job is created', async () => {
    const { id } = await gateway.upload('paths.mp4');
    const root = gateway.libraryRoot;
    mkdirSync(join(root, '.trash'), { recursive: true });
    mkdirSync(join(root, 'inbox/folder.mp4'));
    writeFileSync(join(root, '.trash/old.mp4'), 'old');
    symlinkSync('/etc', join(root, 'inbox/out'));
    symlinkSync('/etc/passwd', join(root, 'inbox/out.mp4'));
    const long = 'x'.repeat(300);
    const inputs = ['.trash/old.mp4', '.reelay-library', 'inbox', 'inbox/folder.mp4', 'inbox/out/passwd', 'inbox/out.mp4', `inbox/${long}.mp4`, '.'];
    for (const inputPath of inputs) {
      const { code, detail } = await gateway.json<Problem>(422, 'POST', '/api/media/jobs', { body: { type: 'reencode_streaming', params: { inputPath } } });
      expect(code, inputPath).toBe('invalid_parameter');
      expect(detail, 'no path of this machine is told').not.toContain(root);
    }
    expect(await refusal(404, 'POST', '/api/media/jobs', { body: { type: 'reencode_streaming', params: { inputPath: 'inbox/paths.mp4/x.mp4' } } })).toBe('file_missing');
    const outputs = ['.trash/x.mp4', 'playback/.hidden/x.mp4', 'inbox/.uploads/x.mp4', '.reelay-library', 'thumbnails/x.mp4', 'playback', '.', 'playback/', 'inbox/folder.mp4', 'playback/x.html', 'playback/x', 'inbox/out/x.mp4', `playback/${long}.mp4`, `playback/${long}/x.mp4`, 'inbox/paths.mp4/x.mp4'];
    for (const outputPath of outputs) {
      const { code, detail } = await gateway.json<Problem>(422, 'POST', '/api/media/jobs', { body: { type: 'reencode_streaming', params: { videoId: id, outputPath } } });
      expect(code, outputPath).toBe('invalid_parameter');
      expect(detail).not.toContain(root);
    }
    for (const path of ['.trash', 'public/.hidden', 'inbox/out', 'inbox/out/x']) {
      expect(await refusal(422, 'POST', '/api/media/jobs', { body: { type: 'public_scan', params: { path } } }), path).toBe('invalid_parameter');
    }
  });

  test('a re-encode tells its files from the start, however it is created', async () => {
    const video = await gateway.upload('My film.mkv');
    const params = { videoId: video.id, inputPath: 'inbox/My film.mkv', outputPath: 'playback/My film.mp4', targetBitrate: 2000, preset: 'medium', crf: 23 };
    expect((await gateway.json<Job>(201, 'POST', '/api/media/jobs/reencode', { body: { videoId: video.id } })).params).toMatchObject(params);
    expect((await gateway.createJob({ type: 'reencode_streaming', params: { videoId: video.id.toUpperCase() } })).params).toMatchObject({ inputPath: params.inputPath, outputPath: params.outputPath });
    expect((await gateway.createJob({ type: 'reencode_streaming', params: { videoId: video.id, outputPath: 'playback/sub/x.mp4' } })).params).toMatchObject({ inputPath: params.inputPath, outputPath: 'playback/sub/x.mp4' });
    expect((await gateway.createJob({ type: 'reencode_streaming', params: { inputPath: 'inbox/My film.mkv' } })).params).toMatchObject({ inputPath: params.inputPath, outputPath: params.outputPath });
    const missing = await gateway.json<Problem>(404, 'POST', '/api/media/jobs/reencode', { body: { videoId: '00000000-0000-7000-8000-000000000000' } });
    expect(missing).toMatchObject({ code: 'video_not_found', error: 'Video not found' });
  });
});

test('a node counts as healthy only while it is heard', async () => {
  await testNode(gateway.sql, 'node-silent');
  const ready = async (): Promise<Ready> => (await gateway.call('GET', '/readyz')).json() as Promise<Ready>;
  expect(await ready()).toMatchObject({ status: 'ok', nodes: { healthy: 1, total: 1 } });
  // The table still says healthy: it was written before everything stopped.
  await gateway.sql`update nodes set last_seen_at = now() - interval '11 seconds'`;
  expect(await ready()).toMatchObject({ status: 'degraded', nodes: { healthy: 0, total: 1 } });
  await gateway.sql`update nodes set last_seen_at = now()`;
  expect((await ready()).nodes.healthy).toBe(1);
});

test('whoever signs out, is removed or gets another role hears no more', async () => {
  const signedIn = async (username: string): Promise<{ id: string; token: string; read: () => Promise<boolean> }> => {
    const { id } = await gateway.json<{ id: string }>(201, 'POST', '/api/users', { body: { username, password: PASSWORD, role: 'ADMIN' } });
    const { token } = await gateway.json<{ token: string }>(200, 'POST', '/api/auth/login', { as: null, body: { username, password: PASSWORD } });
    const reader = (await gateway.call('GET', '/api/media/events', { as: token })).body?.getReader();
    await reader?.read();
    return { id, token, read: async () => (await reader?.read())?.done ?? true };
  };
  const [removed, demoted, left, stays] = [await signedIn('removed'), await signedIn('demoted'), await signedIn('left'), await signedIn('stays')];
  await gateway.call('DELETE', `/api/users/${removed.id}`);
  await gateway.call('PATCH', `/api/users/${demoted.id}`, { body: { role: 'VIEWER' } });
  await gateway.call('POST', '/api/auth/logout', { as: left.token });
  await gateway.deps.signIns.check();
  expect([await removed.read(), await demoted.read(), await left.read()]).toEqual([true, true, true]);
  expect(gateway.deps.hub.dropped.signed_out).toBe(3);
  await gateway.upload('heard.mp4');
  expect(await stays.read()).toBe(false);
});

test('what the API says is not kept by caches, what it refuses in tus is the client’s mistake', async () => {
  for (const path of ['/api/media/videos', '/api/auth/me', '/api/media/jobs']) {
    expect((await gateway.call('GET', path)).headers.get('cache-control'), path).toBe('private, no-store');
  }
  const headers = { 'tus-resumable': '1.0.0', 'upload-concat': 'final;/api/media/uploads/a', 'upload-metadata': 'filename YS5tcDQ=' };
  expect(await refusal(400, 'POST', '/api/media/uploads', { headers })).toBe('invalid_request');
});

test('a name with a quote stays one value in Content-Disposition', async () => {
  const { id } = await gateway.upload("it's (1)*.mp4");
  const response = await gateway.call('HEAD', `/api/media/videos/${id}/file`);
  expect(response.headers.get('content-disposition')).toBe("inline; filename*=UTF-8''it%27s%20%281%29%2A.mp4");
});
