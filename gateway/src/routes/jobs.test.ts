import type { Job, JobDetail, JobStats, Page, Problem, Role } from '@reelay/contracts';
import { testLease, testNode } from '@reelay/store/testing';
import { placeJob, runJob } from '@reelay/store/testing';
import type { Lease, NodeRow } from '@reelay/store';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CallOptions, startTestGateway, type TestGateway } from '../../testing/kit.ts';

let gateway: TestGateway;
let lease: Lease;
let node: NodeRow;
beforeAll(async () => {
  gateway = await startTestGateway();
  lease = await testLease(gateway.sql);
  node = await testNode(gateway.sql, 'node-a');
});
afterAll(() => gateway.stop());

const NOBODY = '00000000-0000-7000-8000-000000000000';
const refusal = async (status: number, method: string, path: string, options?: CallOptions): Promise<Problem> => {
  const problem = await gateway.json<Problem>(status, method, path, options);
  expect(problem).toMatchObject({ status, error: problem.detail });
  expect(problem.requestId).not.toBe('');
  return problem;
};
const list = (query: string, as?: Role): Promise<Page<Job>> => gateway.json(200, 'GET', `/api/media/jobs?${query}`, as === undefined ? {} : { as });

describe('creating', () => {
  test('what is left out comes from the catalogue; the answer is the job', async () => {
    const video = await gateway.upload('create.mp4');
    const job = await gateway.createJob({ type: 'reencode_streaming', params: { videoId: video.id } });
    expect(job).toMatchObject({
      type: 'reencode_streaming', status: 'pending', progress: 0, priority: 5, resourceCategory: 'gpu_encode', vramRequired: 4000, maxRetries: 3,
      createdBy: 'super_admin', videoId: video.id, videoTitle: 'create', params: { videoId: video.id, targetBitrate: 2000, preset: 'medium', crf: 23 },
    });
    expect(job.queuePosition).toBeGreaterThan(0);
    const own = await gateway.createJob({ type: 'scan', priority: 1, vramRequired: 7, maxRetries: 0, labels: { site: 'a' } });
    expect(own).toMatchObject({ priority: 1, vramRequired: 7, maxRetries: 0, labels: { site: 'a' }, params: { directoryType: 'videos', skipExisting: true, recursive: true } });
  });

  test.each<[string, unknown, number, string, string?]>([
    ['an unknown field', { type: 'scan', colour: 'red' }, 422, 'unknown_parameter', 'colour'],
    ['an unknown parameter', { type: 'scan', params: { deep: true } }, 422, 'unknown_parameter', 'params.deep'],
    ['a wrong type', { type: 'scan', params: { recursive: 'yes' } }, 422, 'invalid_parameter', 'params.recursive'],
    ['an unknown job type', { type: 'brew_coffee' }, 422, 'invalid_parameter', 'type'],
    ['a missing parameter', { type: 'validate' }, 422, 'invalid_parameter', 'params.videoId'],
    ['a priority out of range', { type: 'scan', priority: 11 }, 422, 'invalid_parameter', 'priority'],
    ['a foreign category', { type: 'scan', resourceCategory: 'gpu_ai' }, 422, 'category_mismatch', 'resourceCategory'],
    ['a type of a later release', { type: 'compile_gif', params: { videoId: NOBODY } }, 422, 'type_unavailable'],
    ['a missing video', { type: 'validate', params: { videoId: NOBODY } }, 404, 'video_not_found'],
    ['a missing file', { type: 'reencode_streaming', params: { inputPath: 'inbox/none.mp4' } }, 404, 'file_missing'],
    ['a path out of the library', { type: 'reencode_streaming', params: { inputPath: '../secret' } }, 422, 'invalid_parameter', 'params.inputPath'],
    ['no object', [1], 422, 'invalid_parameter'],
  ])('%s is refused', async (_what, body, status, code, path) => {
    const problem = await refusal(status, 'POST', '/api/media/jobs', { body });
    expect(problem.code).toBe(code);
    if (path !== undefined) expect(problem.errors?.map((error) => error.path)).toContain(path);
  });

  test('broken JSON is 400, another media type 415, a missing one too, a huge body 413', async () => {
    const headers = { 'content-type': 'application/json' };
    expect((await refusal(400, 'POST', '/api/media/jobs', { raw: '{"type":', headers })).code).toBe('malformed_json');
    expect((await refusal(415, 'POST', '/api/media/jobs', { raw: 'type=scan', headers: { 'content-type': 'text/plain' } })).code).toBe('unsupported_media_type');
    expect((await refusal(415, 'POST', '/api/media/jobs', { raw: new Blob(['{"type":"scan"}']) })).code).toBe('unsupported_media_type');
    const huge = JSON.stringify({ type: 'scan', labels: { x: 'y'.repeat(5_000_000) } });
    expect((await refusal(413, 'POST', '/api/media/jobs', { raw: huge, headers: { ...headers, 'content-length': String(huge.length) } })).code).toBe('body_too_large');
  });

  test('/reencode takes the document’s four fields and nothing else', async () => {
    const video = await gateway.upload('reencode.mp4');
    const job = await gateway.json<Job>(201, 'POST', '/api/media/jobs/reencode', { body: { videoId: video.id, targetBitrate: 1500, preset: 'fast', crf: 20 } });
    expect(job).toMatchObject({ type: 'reencode_streaming', status: 'pending', params: { videoId: video.id, targetBitrate: 1500, preset: 'fast', crf: 20 } });
    expect((await refusal(422, 'POST', '/api/media/jobs/reencode', { body: { videoId: video.id, priority: 1 } })).code).toBe('unknown_parameter');
    expect((await refusal(404, 'POST', '/api/media/jobs/reencode', { body: { videoId: NOBODY } })).code).toBe('video_not_found');
  });

  test('a thousand at once; what is wrong is told by index and the rest is created', async () => {
    const jobs = Array.from({ length: 1000 }, (_, n) => (n % 100 === 7 ? { type: 'scan', params: { bad: n } } : { type: 'scan', labels: { n: String(n) } }));
    const answer = await gateway.json<{ data: Job[]; errors: { index: number; code: string }[] }>(201, 'POST', '/api/media/jobs/bulk', { body: { jobs } });
    expect(answer.data).toHaveLength(990);
    expect(answer.data[7]?.labels).toEqual({ n: '8' });
    expect(answer.errors.map((error) => error.index)).toEqual([7, 107, 207, 307, 407, 507, 607, 707, 807, 907]);
    expect(answer.errors[0]?.code).toBe('unknown_parameter');
    expect((await refusal(422, 'POST', '/api/media/jobs/bulk', { body: { jobs: Array.from({ length: 1001 }, () => ({ type: 'scan' })) } })).code).toBe('invalid_parameter');
    await gateway.sql`delete from jobs where labels ? 'n'`;
  });

  test('the same Idempotency-Key makes one job, also in parallel, and is refused for another request', async () => {
    const headers = { 'idempotency-key': 'once-1' };
    const body = { type: 'scan', labels: { k: 'idem' } };
    const answers = await Promise.all(Array.from({ length: 6 }, () => gateway.call('POST', '/api/media/jobs', { body, headers })));
    const statuses = answers.map((answer) => answer.status);
    expect(statuses.every((status) => status === 201 || status === 409)).toBe(true);
    const again = await gateway.call('POST', '/api/media/jobs', { body, headers });
    expect([again.status, again.headers.get('idempotent-replay')]).toEqual([201, 'true']);
    expect(await gateway.sql`select id from jobs where labels->>'k' = 'idem'`).toHaveLength(1);
    expect((await refusal(409, 'POST', '/api/media/jobs', { body: { type: 'scan' }, headers })).code).toBe('idempotency_conflict');
    // Another user's key is another key; a refused request leaves the key free.
    await gateway.json(201, 'POST', '/api/media/jobs', { body, headers, as: 'ADMIN' });
    const failing = { 'idempotency-key': 'once-2' };
    await refusal(422, 'POST', '/api/media/jobs', { body: { type: 'scan', params: { x: 1 } }, headers: failing });
    await gateway.json(201, 'POST', '/api/media/jobs', { body: { type: 'scan' }, headers: failing });
  });
});

describe('reading', () => {
  test('pages, filters, sorts, and refuses what it does not know', async () => {
    await gateway.sql`delete from jobs`;
    const video = await gateway.upload('needle in hay.mp4');
    const first = await gateway.createJob({ type: 'scan', priority: 9 });
    await gateway.createJob({ type: 'public_scan', priority: 2 });
    await gateway.createJob({ type: 'thumbnail_generate', params: { videoId: video.id } });
    const page = await list('limit=2&page=2');
    expect(page.pagination).toEqual({ page: 2, limit: 2, total: 4, totalPages: 2 });
    expect(page.data).toHaveLength(2);
    expect((await list('type=scan,public_scan&sort=priority')).data.map((job) => job.type)).toEqual(['public_scan', 'scan']);
    expect((await list('q=needle')).pagination.total).toBe(2);
    expect((await list(`q=${first.id.slice(0, 18)}`)).pagination.total).toBe(1);
    expect((await list('q=100%25')).pagination.total).toBe(0);
    expect((await list('resourceCategory=gpu_ai')).data).toEqual([]);
    expect((await list(`videoId=${video.id}&status=pending,running`)).pagination.total).toBe(2);
    expect((await list('status=completed')).pagination).toEqual({ page: 1, limit: 20, total: 0, totalPages: 0 });
    for (const query of ['limit=101', 'page=0', 'status=done', 'type=x', 'sort=colour', 'videoId=7', 'limit=ten']) {
      expect((await refusal(422, 'GET', `/api/media/jobs?${query}`)).code).toBe('invalid_parameter');
    }
    expect((await refusal(422, 'GET', '/api/media/jobs?colour=red')).code).toBe('unknown_parameter');
  });

  test('queuePosition counts within the category by priority, then age', async () => {
    await gateway.sql`delete from jobs`;
    const low = await gateway.createJob({ type: 'scan', priority: 8 });
    const high = await gateway.createJob({ type: 'scan', priority: 2 });
    const later = await gateway.createJob({ type: 'scan', priority: 8 });
    const byId = new Map((await list('')).data.map((job) => [job.id, job.queuePosition]));
    expect([byId.get(high.id), byId.get(low.id), byId.get(later.id)]).toEqual([1, 2, 3]);
    await placeJob(gateway.sql, lease, high, node);
    const placed = await gateway.json<JobDetail>(200, 'GET', `/api/media/jobs/${high.id}`);
    expect(placed).toMatchObject({ status: 'queued', queuePosition: null, nodeId: 'node-a' });
    await gateway.sql`insert into waiting_verdicts (requirement_class, reason) select requirement_class, 'No slot: 5 of 5 used' from jobs where id = ${low.id}`;
    expect(await gateway.json(200, 'GET', `/api/media/jobs/${low.id}`)).toMatchObject({ queuePosition: 1, waitingReason: 'No slot: 5 of 5 used' });
  });

  test('ten thousand jobs: a page of waiting ones is quick enough to be asked for all the time', async () => {
    await gateway.sql`delete from jobs`;
    await gateway.sql`
      insert into jobs (id, type, params, resource_category, priority)
      select gen_random_uuid(), 'scan', '{}', 'cpu', 1 + n % 10 from generate_series(1, 10000) n`;
    await gateway.sql`analyze jobs`;
    const page = await list('limit=100&sort=priority');
    expect(page.pagination.total).toBe(10_000);
    expect(page.data.map((job) => job.queuePosition)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
    await gateway.sql`delete from jobs`;
  });

  test('stats have the document’s fields', async () => {
    await gateway.sql`delete from jobs`;
    const video = await gateway.upload('stats.mp4');
    const encode = await gateway.createJob({ type: 'reencode_streaming', params: { videoId: video.id } });
    await runJob(gateway.sql, lease, encode, node);
    const stats = await gateway.json<JobStats>(200, 'GET', '/api/media/jobs/stats');
    expect(stats).toEqual({
      pending: 1, queued: 0, running: 1, completed: 0, failed: 0, cancelled: 0, paused: 0, totalVramUsed: 4000, totalVramAvailable: 16_000,
      averageProcessingTime: 0, jobsByType: { validate: 1, reencode_streaming: 1 },
    });
  });

  test('attempts, audit and log of a job; unknown ids are 404', async () => {
    const job = await gateway.createJob({ type: 'scan' });
    await runJob(gateway.sql, lease, job, node);
    const attempts = await gateway.json<{ data: { epoch: number; nodeId: string }[] }>(200, 'GET', `/api/media/jobs/${job.id}/attempts`);
    expect(attempts.data).toMatchObject([{ epoch: 1, nodeId: 'node-a' }]);
    const audit = await gateway.json<{ data: { event: string }[] }>(200, 'GET', `/api/media/jobs/${job.id}/audit`);
    expect(audit.data.map((entry) => entry.event)).toEqual(['created', 'place', 'start']);
    expect((await gateway.call('GET', `/api/media/jobs/${job.id}/log`)).headers.get('content-type')).toMatch(/^text\/plain/);
    for (const path of ['', '/attempts', '/audit', '/log']) {
      expect((await refusal(404, 'GET', `/api/media/jobs/${NOBODY}${path}`)).code).toBe('job_not_found');
      expect((await refusal(404, 'GET', `/api/media/jobs/not-an-id${path}`)).code).toBe('job_not_found');
    }
  });

  test('the catalogue tells all 15 types with the schema of their parameters', async () => {
    const { data } = await gateway.json<{ data: { type: string; paramsSchema: { properties: object } }[] }>(200, 'GET', '/api/media/catalogue', { as: 'VIEWER' });
    expect(data).toHaveLength(15);
    expect(Object.keys(data.find((item) => item.type === 'move_to_library')?.paramsSchema.properties ?? {})).toEqual(['videoId', 'directoryType', 'onConflict', 'waitSeconds']);
  });
});

describe('who may', () => {
  test('an ADMIN creates and sees own jobs only; a VIEWER none; nobody without sign-in', async () => {
    const foreign = await gateway.createJob({ type: 'scan' });
    const own = await gateway.createJob({ type: 'scan' }, 'ADMIN');
    const seen = await list('limit=100', 'ADMIN');
    expect(seen.data.every((job) => job.createdBy === 'admin')).toBe(true);
    expect(seen.data.map((job) => job.id)).toContain(own.id);
    await refusal(404, 'GET', `/api/media/jobs/${foreign.id}`, { as: 'ADMIN' });
    await refusal(404, 'GET', `/api/media/jobs/${foreign.id}/log`, { as: 'ADMIN' });
    await gateway.json(200, 'GET', `/api/media/jobs/${own.id}`, { as: 'ADMIN' });
    const stats = await gateway.json<JobStats>(200, 'GET', '/api/media/jobs/stats', { as: 'ADMIN' });
    expect(stats.pending).toBe(seen.pagination.total);
    for (const [method, path] of [['POST', '/cancel'], ['POST', '/retry'], ['POST', '/pause'], ['POST', '/resume']]) {
      await refusal(403, method ?? '', `/api/media/jobs/${own.id}${path ?? ''}`, { as: 'ADMIN' });
    }
    await refusal(403, 'PATCH', `/api/media/jobs/${own.id}`, { as: 'ADMIN', body: { priority: 1 } });
    for (const path of ['', '/stats', `/${own.id}`, `/${own.id}/log`, `/${own.id}/attempts`, `/${own.id}/audit`]) {
      expect((await refusal(403, 'GET', `/api/media/jobs${path}`, { as: 'VIEWER' })).code).toBe('forbidden');
      expect((await refusal(401, 'GET', `/api/media/jobs${path}`, { as: null })).code).toBe('unauthenticated');
    }
    await refusal(403, 'POST', '/api/media/jobs', { as: 'VIEWER', body: { type: 'scan' } });
  });

  test('unknown routes are 404, other methods 405 with what is allowed', async () => {
    await refusal(404, 'GET', '/api/media/nothing');
    const response = await gateway.call('DELETE', '/api/media/jobs');
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, POST, HEAD']);
    await refusal(405, 'PUT', `/api/media/jobs/${NOBODY}`);
  });
});
