/** Files nobody here made: each is uploaded or scanned, validated, and ends playable or with a clear reason. */
import { mkdir, mkdtemp, copyFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Playback, Problem, Video } from '@reelay/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSystem, type System } from '../kit/system.ts';
import { Client } from './client.ts';
import { makeHostileFiles, type HostileFile } from './clips.ts';

let system: System;
let client: Client;
let folder: string;
let files: HostileFile[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-hostile-'));
  [system, files] = await Promise.all([startSystem(), makeHostileFiles(folder)]);
  client = new Client(system.baseUrl);
  await client.login('admin', system.adminPassword);
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await system.stop();
});

const checked = (video: Video): boolean => video.valid !== null;
/** Follows a playback answer as a player would: the file, or the playlists and first segment. */
const playableBytes = async (playback: Playback): Promise<number> => {
  const headers = { authorization: `Bearer ${client.token}` };
  if (playback.mode === 'direct') {
    const response = await fetch(system.baseUrl + (playback.fileUrl ?? ''), { headers: { ...headers, range: 'bytes=0-1023' } });
    expect(response.status).toBe(206);
    return (await response.arrayBuffer()).byteLength;
  }
  const masterUrl = new URL(playback.masterUrl ?? '', system.baseUrl);
  const master = await (await fetch(masterUrl, { headers })).text();
  const rendition = master.split('\n').find((line) => line !== '' && !line.startsWith('#')) ?? '';
  const mediaUrl = new URL(rendition, masterUrl);
  const playlist = await (await fetch(mediaUrl, { headers })).text();
  expect(playlist).toContain('#EXT-X-ENDLIST');
  const segment = playlist.split('\n').find((line) => line !== '' && !line.startsWith('#')) ?? '';
  const response = await fetch(new URL(segment, mediaUrl), { headers });
  expect(response.status).toBe(200);
  expect(response.headers.get('cache-control')).toContain('immutable');
  return (await response.arrayBuffer()).byteLength;
};

const expectEnd = async (file: HostileFile, video: Video): Promise<void> => {
  const playback = await client.ok<Playback>('GET', `/api/media/videos/${video.id}/playback`);
  if (file.expected === 'invalid') {
    expect(video.valid, file.name).toBe(false);
    expect(video.invalidReason?.length, file.name).toBeGreaterThan(10);
    expect(playback.mode, file.name).toBe('none');
    expect(playback.reason).toContain(video.invalidReason);
    return;
  }
  expect(video.valid, `${file.name}: ${video.invalidReason}`).toBe(true);
  expect(playback.mode, `${file.name}: ${playback.reason}`).toBe(file.expected);
  expect(playback.reason.length).toBeGreaterThan(10);
  if (playback.mode !== 'none') expect(await playableBytes(playback), file.name).toBeGreaterThan(500);
};

describe('uploads', () => {
  it('ends each file playable or with a clear reason, with a thumbnail when there is a picture', async () => {
    const videos = new Map<HostileFile, Video>();
    for (const file of files) {
      const answer = await client.upload(file.path, file.name);
      if (file.expected === 'refused') {
        const problem = answer.body as unknown as Problem;
        expect(answer.status, file.name).toBeGreaterThanOrEqual(400);
        expect(problem.detail).toMatch(/empty/i);
        continue;
      }
      expect(answer.status, `${file.name}: ${JSON.stringify(answer.body)}`).toBe(201);
      videos.set(file, answer.body);
    }
    for (const [file, { id }] of videos) await expectEnd(file, await client.untilVideo(id, checked));
    for (const [file, { id }] of videos) {
      if (file.expected === 'invalid') continue;
      const video = await client.untilVideo(id, (seen) => seen.thumbnailPath !== null);
      const picture = await fetch(`${system.baseUrl}/api/media/videos/${video.id}/thumbnail`, { headers: { authorization: `Bearer ${client.token}` } });
      expect(picture.status, file.name).toBe(200);
      expect(picture.headers.get('content-type')).toBe('image/jpeg');
    }
  });

  it('keeps a name that is taken: the second file gets another', async () => {
    const file = files[0];
    if (file === undefined) throw new Error('no files');
    const { body } = await client.upload(file.path, file.name);
    expect(body.path).toMatch(/^inbox\/plain.+\.mp4$/);
    expect(body.path).not.toBe('inbox/plain.mp4');
  });
});

describe('scan', () => {
  it('finds the same files in a library folder and says of each the same', async () => {
    const target = join(system.libraryRoot, 'library/films/deeper folder');
    await mkdir(target, { recursive: true });
    for (const file of files) await copyFile(file.path, join(target, file.name));
    const { id } = await client.ok<{ id: string }>('POST', '/api/media/jobs', { type: 'scan', params: { directoryType: 'films' } });
    const job = await client.untilJob(id, ['completed', 'failed', 'cancelled']);
    expect(job.status, job.log).toBe('completed');
    const { data } = await client.ok<{ data: Video[] }>('GET', '/api/media/videos?location=library/films&limit=100');
    expect(data.map((video) => video.filename).toSorted()).toEqual(files.map((file) => file.name).toSorted());
    for (const file of files) {
      const found = data.find((video) => video.filename === file.name);
      if (found === undefined) throw new Error(`${file.name} was not found`);
      const expected = file.expected === 'refused' ? { ...file, expected: 'invalid' as const } : file;
      await client.until('no job to wait', async () => ((await client.jobs('?status=pending,queued,running')).data.length === 0 ? true : undefined));
      await expectEnd(expected, await client.video(found.id));
    }
    const again = await client.ok<{ id: string }>('POST', '/api/media/jobs', { type: 'scan', params: { directoryType: 'films' } });
    await client.untilJob(again.id, ['completed']);
    const after = await client.ok<{ pagination: { total: number } }>('GET', '/api/media/videos?location=library/films');
    expect(after.pagination.total).toBe(files.length);
  });

  it('leaves no part file and no hidden work behind', async () => {
    const left = (await readdir(system.libraryRoot, { recursive: true })).filter((name) => name.endsWith('.part'));
    expect(left).toEqual([]);
    expect(await system.workers()).toEqual([]);
  });
});
