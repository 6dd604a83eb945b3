import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { hintSchema, type LeaderMetrics, type Problem, type Ready, subjects } from '@reelay/contracts';
import { testNode } from '@reelay/store/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../testing/kit.ts';

const BUILT = `console.log(${JSON.stringify('of the build '.repeat(400))})`;
/** Not as the gateway itself would compress it, to tell the two apart. */
const BUILT_BROTLI = brotliCompressSync(BUILT, { params: { [constants.BROTLI_PARAM_QUALITY]: 0 } });

let gateway: TestGateway;
let web: string;
beforeAll(async () => {
  web = mkdtempSync(join(tmpdir(), 'reelay-web-'));
  mkdirSync(join(web, 'assets'));
  writeFileSync(join(web, 'index.html'), '<!doctype html><title>Reelay</title>');
  writeFileSync(join(web, 'assets/main-ABCD1234.js'), `console.log(${JSON.stringify('x'.repeat(5000))})`);
  writeFileSync(join(web, 'assets/built-ABCD1234.js'), BUILT);
  writeFileSync(join(web, 'assets/built-ABCD1234.js.br'), BUILT_BROTLI);
  writeFileSync(join(web, 'favicon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  gateway = await startTestGateway({ REELAY_WEB_DIR: web });
});
afterAll(async () => {
  await gateway.stop();
  rmSync(web, { recursive: true });
});

const ask = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> => gateway.call(method, path, { as: null, headers });

interface Operation {
  parameters?: { name: string; in: string; required?: boolean }[];
  responses: Record<string, unknown>;
}
interface OpenApi {
  openapi: string;
  info: { title: string; version: string };
  paths: Record<string, Record<string, Operation>>;
}

describe('the API’s description', () => {
  test('is OpenAPI 3.1 without dangling references, and names every path parameter', async () => {
    const document = (await (await ask('/openapi.json')).json()) as OpenApi;
    expect(document.openapi).toBe('3.1.0');
    expect(document.info).toMatchObject({ title: expect.any(String), version: expect.any(String) });
    const text = JSON.stringify(document);
    for (const [, name] of text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)) expect(text).toContain(`"${name ?? ''}":{`);
    for (const [path, item] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(item)) {
        const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path').map((parameter) => parameter.name).toSorted();
        expect(declared, `${method} ${path}`).toEqual([...path.matchAll(/\{(\w+)\}/g)].map((found) => found[1] ?? '').toSorted());
        expect(Object.keys(operation.responses).length, `${method} ${path}`).toBeGreaterThan(0);
      }
    }
    // The parameters of a list are told with their limits.
    const limit = document.paths['/api/media/jobs']?.get?.parameters?.find((parameter) => parameter.name === 'limit');
    expect(limit).toMatchObject({ in: 'query', schema: { maximum: 100, default: 20 } });
    expect(JSON.stringify(document.paths['/api/media/jobs']?.post)).toContain('"vramRequired"');
  });

  test('each documented route answers: none is unknown, none breaks', async () => {
    const document = (await (await ask('/openapi.json')).json()) as OpenApi;
    const ids: Record<string, string> = { id: '00000000-0000-7000-8000-000000000000', videoId: '00000000-0000-7000-8000-000000000000', version: 'v', rendition: 'v0', n: '0', track: 's0', sheet: 'storyboard-0-0123abcd' };
    let asked = 0;
    for (const [path, item] of Object.entries(document.paths)) {
      for (const method of Object.keys(item)) {
        const url = path.replace('/uploads/{id}', `/uploads/${'0'.repeat(32)}`).replace(/\{(\w+)\}/g, (_all, name: string) => ids[name] ?? 'x');
        const as = path === '/api/auth/logout' ? (await gateway.json<{ token: string }>(201, 'POST', '/api/auth/tokens', { body: { name: 'spare' } })).token : 'SUPER_ADMIN';
        const response = await gateway.call(method.toUpperCase(), url, path.includes('uploads') ? { as, headers: { 'tus-resumable': '1.0.0' } } : { as });
        const text = path === '/api/media/events' ? '' : await response.text();
        if (path === '/api/media/events') await response.body?.cancel();
        expect(response.status, `${method} ${url}: ${text}`).toBeLessThan(500);
        expect(text, `${method} ${url}`).not.toContain('"code":"not_found"');
        expect(response.status, `${method} ${url}`).not.toBe(405);
        asked += 1;
      }
    }
    expect(asked).toBeGreaterThan(45);
  });

  test('/docs is one page without scripts or anything from elsewhere', async () => {
    const page = await ask('/docs');
    const html = await page.text();
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    expect(html).toContain('/api/media/jobs/{id}/cancel');
    expect(html).toContain('job_state_conflict');
    expect(html).not.toMatch(/<script|style=|https?:\/\//);
    expect((await ask('/docs/style.css')).headers.get('content-type')).toMatch(/^text\/css/);
  });
});

describe('every answer', () => {
  test('has an id, the harmless one of the client when it has one, and headers that forbid what no page needs', async () => {
    const own = await ask('/healthz', { 'x-request-id': 'my-id.7' });
    expect(own.headers.get('x-request-id')).toBe('my-id.7');
    const forged = await ask('/healthz', { 'x-request-id': 'bad id <x>' });
    expect(forged.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    const policy = own.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'self'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    expect(own.headers.get('x-content-type-options')).toBe('nosniff');
    const problem = await ask('/api/nothing', { 'x-request-id': 'trace-1' });
    expect([problem.headers.get('content-security-policy'), ((await problem.json()) as Problem).requestId]).toEqual([policy, 'trace-1']);
  });

  test('whatever nonsense is sent, the answer is a problem and never a breakdown', async () => {
    const paths = ['/api/media/jobs/%00', '/api/media/jobs/%ff%fe', '/api/media/videos/..%2f..%2fetc', '/stream/%2e%2e/x/master.m3u8', '/api/media/jobs?page=1e400', '/api/media/jobs?q=%00', '/api/media/videos?q=%25%5C', '/api/media/jobs?sort=__proto__', '/api/media/nodes/%2e%2e', '/agent/v1/files/%00'];
    for (const path of paths) {
      for (const method of ['GET', 'POST', 'PATCH', 'DELETE']) {
        const response = await gateway.call(method, path, method === 'GET' ? {} : { body: { __proto__: 1, constructor: {} } }).catch(() => null);
        if (response === null) continue;
        const text = await response.text();
        expect(response.status, `${method} ${path}: ${text}`).toBeLessThan(500);
      }
    }
  });
});

describe('health', () => {
  test('alive, degraded without a node, ready with one', async () => {
    expect(await (await ask('/healthz')).json()).toEqual({ status: 'ok' });
    const before = await ask('/readyz');
    expect([before.status, await before.json()]).toEqual([200, { status: 'degraded', checks: { postgres: { ok: true }, nats: { ok: true } }, nodes: { healthy: 0, total: 0 } }]);
    await testNode(gateway.sql, 'node-a');
    expect((await (await ask('/readyz')).json()) as Ready).toMatchObject({ status: 'ok', nodes: { healthy: 1, total: 1 } });
  });

  test('metrics: the document’s names from the leader, own ones always; by token or from this machine', async () => {
    expect((await ask('/metrics')).status).toBe(401);
    expect((await gateway.call('GET', '/metrics', { as: 'VIEWER' })).status).toBe(403);
    const loopback = await gateway.app.request('/metrics', {}, { incoming: { socket: { remoteAddress: '::ffff:127.0.0.1' } } });
    expect(loopback.status).toBe(200);
    const proxied = await gateway.app.request('/metrics', { headers: { 'x-forwarded-for': '203.0.113.7' } }, { incoming: { socket: { remoteAddress: '127.0.0.1' } } });
    expect(proxied.status).toBe(401);
    expect(await loopback.text()).toContain('reelay_queue_metrics_up 0');

    const told: LeaderMetrics = { ok: true, pending: 12, runningByCategory: { gpu_encode: 2, cpu: 0 }, vramUsedMb: 8000, vramTotalMb: 16_000, jobsTotal: [{ type: 'scan', status: 'completed', count: 7 }] };
    const leader = gateway.bus.serve(subjects.metrics, {}, hintSchema, () => told);
    await gateway.bus.flush();
    const text = await (await gateway.call('GET', '/metrics', { as: 'ADMIN' })).text();
    leader.unsubscribe();
    for (const line of ['media_jobs_pending 12', 'media_jobs_running{resourceCategory="gpu_encode"} 2', 'media_vram_used_mb 8000', 'media_vram_total_mb 16000', 'media_jobs_total{type="scan",status="completed"} 7', 'reelay_queue_metrics_up 1', 'route="/healthz"', 'reelay_live_clients 0']) {
      expect(text).toContain(line);
    }
  });
});

describe('nodes', () => {
  test('listed, shown, drained, cordoned and resumed by a SUPER_ADMIN alone', async () => {
    await testNode(gateway.sql, 'node-b');
    const { data } = await gateway.json<{ data: { id: string }[] }>(200, 'GET', '/api/media/nodes');
    expect(data.map((node) => node.id)).toContain('node-b');
    expect(await gateway.json(200, 'GET', '/api/media/nodes/node-b')).toMatchObject({
      id: 'node-b', health: 'healthy', adminState: 'active', running: { cpu: 0, gpu_encode: 0, gpu_ai: 0 }, hasLibrary: false, devices: [{ id: 'software', totalMb: 16_000, bookedMb: 0 }],
    });
    for (const [action, state] of [['drain', 'draining'], ['resume', 'active'], ['cordon', 'cordoned']]) {
      expect(await gateway.json(200, 'POST', `/api/media/nodes/node-b/${action ?? ''}`)).toMatchObject({ adminState: state });
    }
    expect((await gateway.json<Problem>(422, 'POST', '/api/media/nodes/node-b/drain', { body: { forEver: true } })).code).toBe('unknown_parameter');
    for (const id of ['none', 'NOT%20AN%20ID']) expect((await gateway.json<Problem>(404, 'POST', `/api/media/nodes/${id}/drain`)).code).toBe('node_not_found');
    expect((await gateway.call('GET', '/api/media/nodes', { as: 'ADMIN' })).status).toBe(403);
    expect((await gateway.call('POST', '/api/media/nodes/node-b/resume', { as: 'ADMIN' })).status).toBe(403);
  });
});

describe('the web client', () => {
  test('its pages, its hashed files for ever, compressed, and nothing else', async () => {
    for (const path of ['/', '/jobs/123', '/library?q=x']) {
      const page = await ask(path);
      expect([page.status, page.headers.get('content-type'), page.headers.get('cache-control')]).toEqual([200, 'text/html; charset=utf-8', 'no-cache']);
      expect(await page.text()).toContain('<title>Reelay</title>');
    }
    const script = await ask('/assets/main-ABCD1234.js', { 'accept-encoding': 'gzip, br' });
    expect([script.headers.get('content-type'), script.headers.get('content-encoding'), script.headers.get('cache-control')]).toEqual(['text/javascript; charset=utf-8', 'br', 'public, max-age=31536000, immutable']);
    expect(Number(script.headers.get('content-length'))).toBeLessThan(1000);
    expect((await ask('/assets/main-ABCD1234.js', { 'if-none-match': script.headers.get('etag') ?? '' })).status).toBe(304);
    const built = await ask('/assets/built-ABCD1234.js', { 'accept-encoding': 'br' });
    expect([built.headers.get('content-type'), built.headers.get('content-encoding'), brotliDecompressSync(Buffer.from(await built.arrayBuffer())).toString()]).toEqual(['text/javascript; charset=utf-8', 'br', BUILT]);
    expect(Number(built.headers.get('content-length'))).toBe(BUILT_BROTLI.length);
    expect(await (await ask('/assets/built-ABCD1234.js', { 'accept-encoding': 'identity' })).text()).toBe(BUILT);
    expect((await ask('/favicon.svg')).headers.get('content-type')).toBe('image/svg+xml');
    for (const path of ['/assets/gone-ABCD1234.js', '/assets/built-ABCD1234.js.br', '/../package.json', '/%2e%2e/package.json', '/api/nothing', '/stream/nothing']) expect((await ask(path)).status, path).toBe(404);
    expect((await ask('/', {}, 'POST')).status).toBe(404);
  });
});
