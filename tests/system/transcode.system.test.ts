/** Videos that no browser decodes, encoded while somebody watches: as a player, an ffmpeg and an ops person meet them. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Playback, Problem, Video } from '@reelay/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSystem, type System } from '../kit/system.ts';
import { Client } from './client.ts';
import { makeClip } from './clips.ts';

const run = promisify(execFile);
const FFMPEG = process.env['FFMPEG_PATH'] ?? 'ffmpeg';
const FFPROBE = process.env['FFPROBE_PATH'] ?? 'ffprobe';
const HEVC_AC3 = ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=error', '-tag:v', 'hvc1', '-c:a', 'ac3'];

let system: System;
let client: Client;
let folder: string;
let video: Video;
let playback: Playback;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-transcode-'));
  const [started, clip] = await Promise.all([startSystem(), makeClip(join(folder, 'film.mkv'), { seconds: 120, size: '640x360', rate: '24000/1001', codecs: HEVC_AC3 })]);
  system = started;
  client = new Client(system.baseUrl);
  await client.login('admin', system.adminPassword);
  const uploaded = await client.upload(clip);
  video = await client.untilVideo(uploaded.body.id, ({ valid }) => valid !== null, 90_000);
  playback = await client.ok('GET', `/api/media/videos/${video.id}/playback`);
}, 180_000);
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await system.stop();
});

const urlOf = (path: string): string => new URL(path, new URL(playback.masterUrl ?? '', system.baseUrl)).href;
const get = (path: string, headers: Record<string, string> = {}): Promise<Response> => fetch(urlOf(path), { headers: { authorization: `Bearer ${client.token}`, ...headers } });
const segment = async (rendition: string, n: number): Promise<Uint8Array> => {
  const response = await get(`${rendition}/${n}.m4s`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  expect([response.status, response.status === 200 ? '' : Buffer.from(bytes).toString()]).toEqual([200, '']);
  return bytes;
};

/** Times of the pictures or frames of sound that a decoder makes of pieces. */
const times = async (pieces: Uint8Array[], kind: 'v' | 'a'): Promise<number[]> => {
  const path = join(folder, `${Math.random()}.mp4`);
  await writeFile(path, Buffer.concat(pieces));
  const { stdout } = await run(FFPROBE, ['-v', 'error', '-select_streams', kind, '-show_entries', 'frame=pts_time', '-of', 'csv=p=0', path], { maxBuffer: 1 << 26 });
  return stdout.split('\n').filter((line) => line !== '').map((line) => Number(line.split(',')[0]));
};

describe('a video that must be encoded', () => {
  it('says so, with all there is to choose', () => {
    expect(playback).toMatchObject({ mode: 'transcode', available: true, reason: expect.stringMatching(/HEVC.*encoded while you watch/), fileUrl: null, ladderUrl: null });
    expect(playback.renditions.map(({ id, label, mode }) => [id, label, mode])).toEqual([['h360', '360p', 'encode'], ['h240', '240p', 'encode']]);
    expect(playback.audioTracks).toMatchObject([{ id: 'a0', codec: 'aac', isDefault: true }]);
  });

  it('is read by ffmpeg from the master URL alone, a minute long', async () => {
    const { stderr } = await run(FFMPEG, ['-nostdin', '-hide_banner', '-v', 'warning', '-headers', `Authorization: Bearer ${client.token}\r\n`, '-i', urlOf(playback.masterUrl ?? ''), '-t', '60', '-f', 'null', '-'], { timeout: 120_000 });
    expect(stderr).toBe('');
  }, 150_000);

  it('plays on where a viewer jumps to, forth and back, with every picture in its place', async () => {
    const init = new Uint8Array(await (await get('h240/init.mp4')).arrayBuffer());
    const order = [40, 41, 42, 5, 6, 7, 50];
    for (const n of order) await segment('h240', n);
    const spliced = await Promise.all([5, 6, 7].map((n) => segment('h240', n)));
    const found = await times([init, ...spliced], 'v');
    expect(found).toHaveLength(3 * 48);
    expect(found[0]).toBeCloseTo((5 * 48 * 1_001) / 24_000, 3);
  }, 60_000);
});

export type { Problem };
