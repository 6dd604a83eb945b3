/** Who reads a file keeps it, across two gateways as processes of their own: killed, frozen, and stopped. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Playback, Problem, Video } from '@reelay/contracts';
import { openDatabase, type Sql } from '@reelay/store';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startSystem, type System } from '../kit/system.ts';
import { Client } from './client.ts';
import { makeClip } from './clips.ts';

const repoRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
let system: System;
let client: Client;
let sql: Sql;
let folder: string;
let video: Video;
const gateways: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-locks-'));
  const [started, clip] = await Promise.all([startSystem(), makeClip(join(folder, 'film.mkv'))]);
  system = started;
  client = new Client(system.baseUrl);
  await client.login('admin', system.adminPassword);
  // The viewer, who is somebody else.
  await client.ok('POST', '/api/users', { username: 'viewer', password: 'a good password', role: 'VIEWER' });
  const { body } = await client.upload(clip);
  video = await client.untilVideo(body.id, (seen) => seen.valid === true && seen.thumbnailPath !== null);
  sql = openDatabase({ url: system.environmentOf('gateway')['DATABASE_URL'] ?? '', applicationName: 'test', maxConnections: 2 });
});
afterAll(async () => {
  for (const gateway of gateways) gateway.kill('SIGKILL');
  await sql.end();
  await rm(folder, { recursive: true, force: true });
  await system.stop();
});

/** Another gateway on the same database, bus and library. */
const startGateway = async (name: string): Promise<{ process: ChildProcess; viewer: Client }> => {
  const environment = { ...system.environmentOf('gateway'), PORT: '0', REELAY_GATEWAY_NAME: name };
  for (const own of ['REELAY_LOCAL_PORT', 'REELAY_RUN_DIR', 'REELAY_DATA_DIR']) Reflect.deleteProperty(environment, own);
  const gateway = spawn(process.execPath, [join(repoRoot, 'dist/gateway.js')], { env: { ...environment, REELAY_DATA_DIR: join(folder, name) }, stdio: ['ignore', 'pipe', 'inherit'] });
  gateways.push(gateway);
  const port = await new Promise<number>((resolve, reject) => {
    let text = '';
    gateway.stdout.on('data', (data: Buffer) => {
      text += data.toString();
      const found = /"port":(\d+)/.exec(text)?.[1];
      if (found !== undefined) resolve(Number(found));
    });
    gateway.once('exit', () => reject(new Error(`the gateway ended: ${text.slice(-2000)}`)));
  });
  const viewer = new Client(`http://127.0.0.1:${port}`);
  await viewer.login('viewer', 'a good password');
  return { process: gateway, viewer };
};

/** One segment, as a player between two requests. */
const watch = async (viewer: Client): Promise<number> => {
  const { masterUrl } = await viewer.ok<Playback>('GET', `/api/media/videos/${video.id}/playback`);
  const root = (masterUrl ?? '').replace(/master\.m3u8$/, '');
  return (await viewer.call('GET', `${root}v0/0.m4s`)).status;
};
const rename = (filename: string, query = '') => client.call<Problem & Video>('PATCH', `/api/media/videos/${video.id}${query}`, { filename });
const locks = async (): Promise<unknown[]> => (await client.ok<{ data: unknown[] }>('GET', '/api/media/locks')).data;

it('a gateway that is killed keeps its viewers’ file for a lease, and no longer', async () => {
  const { process: gateway, viewer } = await startGateway('b');
  expect(await watch(viewer)).toBe(200);
  const refused = await rename('killed.mkv');
  expect([refused.status, refused.body.detail]).toEqual([409, '“film” is in use: played by 1 viewer on gateway b']);
  gateway.kill('SIGKILL');
  expect((await rename('killed.mkv')).status).toBe(409);
  // Nobody helps: the lease ends while this waits.
  const renamed = await rename('killed.mkv', '?wait=30');
  expect([renamed.status, renamed.body.path]).toEqual([200, 'inbox/killed.mkv']);
  expect(await locks()).toEqual([]);
});

it('a gateway that stood still past its lease asks again, and finds the file under its new name', async () => {
  const { process: gateway, viewer } = await startGateway('c');
  expect(await watch(viewer)).toBe(200);
  gateway.kill('SIGSTOP');
  await sql`update file_reads set lease_until = clock_timestamp() - interval '1 second'`;
  expect((await rename('frozen.mkv')).status).toBe(200);
  gateway.kill('SIGCONT');
  expect(await watch(viewer)).toBe(200);
  await client.until('the lock', async () => ((await locks()).length === 1 ? true : undefined));
  expect((await rename('not yet.mkv')).body.detail).toContain('on gateway c');
  gateway.kill('SIGTERM');
  expect((await rename('stopped.mkv', '?wait=30')).status).toBe(200);
});

it('whoever may ends the streams, which go on under the new name', async () => {
  const { process: gateway, viewer } = await startGateway('d');
  expect(await watch(viewer)).toBe(200);
  expect((await rename('forced.mkv', '?force=1')).status).toBe(200);
  expect(await watch(viewer)).toBe(200);
  gateway.kill('SIGTERM');
});
