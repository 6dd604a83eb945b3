/** What goes with the pictures: subtitles, storyboards, keyframes for winding. Made by a real agent, fetched like a player does. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Job, parseCues, type Playback, type Problem, type Video } from '@reelay/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSystem, type System } from '../kit/system.ts';
import { Client } from './client.ts';

const run = promisify(execFile);
const FFMPEG = process.env['FFMPEG_PATH'] ?? 'ffmpeg';
const FFPROBE = process.env['FFPROBE_PATH'] ?? 'ffprobe';
/** The film's clock begins here, as a recording's may. */
const OFFSET_SECONDS = 3_600;
const SECONDS = 64;
const SRT = '1\n00:00:01,000 --> 00:00:02,500\nHéllo <i>there</i>\n\n2\n00:00:28,000 --> 00:00:33,000\nacross\nhalf a minute\n\n3\n00:01:00,000 --> 00:01:10,000\nafter the end\n';

let system: System;
let client: Client;
let folder: string;
let film: Video;
let encoded: Video;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-tracks-'));
  const [started] = await Promise.all([startSystem(), makeFilms()]);
  system = started;
  client = new Client(system.baseUrl);
  await client.login('admin', system.adminPassword);
  film = await uploaded('film.mkv');
  encoded = await uploaded('encoded.mkv');
}, 180_000);
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await system.stop();
});

const makeFilms = async (): Promise<void> => {
  const srt = join(folder, 'film.srt');
  await writeFile(srt, SRT);
  const sources = ['-f', 'lavfi', '-i', `testsrc=size=320x180:rate=25:duration=${SECONDS}`, '-f', 'lavfi', '-i', `sine=duration=${SECONDS}`, '-i', srt];
  const tracks = ['-map', '0', '-map', '1', '-map', '2', '-map', '2', '-c:s:0', 'srt', '-c:s:1', 'ass', '-metadata:s:s:0', 'language=eng', '-metadata:s:s:1', 'language=ger',
    '-metadata:s:s:1', 'title=Deutsch', '-disposition:s:0', 'default', '-disposition:s:1', 'forced'];
  const make = (name: string, ...codecs: string[]): Promise<unknown> =>
    run(FFMPEG, ['-nostdin', '-v', 'error', ...sources, ...tracks, '-pix_fmt', 'yuv420p', '-g', '50', ...codecs, '-output_ts_offset', String(OFFSET_SECONDS), join(folder, name)]);
  await make('film.mkv', '-c:v', 'libx264', '-preset', 'ultrafast', '-c:a', 'aac');
  await make('encoded.mkv', '-c:v', 'mpeg4', '-c:a', 'ac3');
};

const uploaded = async (name: string): Promise<Video> => {
  const { body } = await client.upload(join(folder, name));
  return client.untilVideo(body.id, ({ valid, thumbnailPath }) => valid !== null && thumbnailPath !== null, 90_000);
};
const playbackOf = ({ id }: Video, query = ''): Promise<Playback> => client.ok('GET', `/api/media/videos/${id}/playback${query}`);
const get = (url: string): Promise<Response> => fetch(new URL(url, system.baseUrl), { headers: { authorization: `Bearer ${client.token}` } });
const text = async (url: string): Promise<string> => {
  const response = await get(url);
  const body = await response.text();
  expect([response.status, response.status === 200 ? '' : body]).toEqual([200, '']);
  return body;
};
const bytes = async (url: string): Promise<Buffer> => Buffer.from(await (await get(url)).arrayBuffer());
const below = (playback: Playback): string => (playback.masterUrl ?? '').replace(/master\.m3u8$/, '');

describe.each([['cut from its file', () => film, 'remux'], ['encoded', () => encoded, 'transcode']] as const)('subtitles of a film that is %s', (_, video, mode) => {
  it('are told, and whole on the presentation’s clock', async () => {
    const playback = await playbackOf(video());
    expect(playback.mode).toBe(mode);
    expect(playback.durationSeconds).toBeGreaterThan(SECONDS - 1);
    expect(playback.durationSeconds).toBeLessThan(SECONDS + 7);
    expect(playback.subtitles).toMatchObject([
      { id: 's0', label: 'eng', language: 'eng', isDefault: true, isForced: false }, { id: 's1', label: 'Deutsch', language: 'ger', isDefault: false, isForced: true },
    ]);
    for (const { url } of playback.subtitles) {
      const cues = parseCues(await text(url));
      expect(cues.map((cue) => cue.text)).toEqual(['Héllo <i>there</i>', 'across\nhalf a minute', 'after the end']);
      expect(Math.abs((cues[0]?.startMs ?? 0) - 1_000)).toBeLessThan(60);
    }
  });

  it('come in segments with a clock, and what is seen in two is in both', async () => {
    const playback = await playbackOf(video());
    const master = await text(playback.masterUrl ?? '');
    expect(master).toContain('#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subs",NAME="eng",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,FORCED=NO,URI="s0/index.m3u8"');
    for (const line of master.split('\n').filter((found) => found.startsWith('#EXT-X-STREAM-INF'))) expect(line).toContain('SUBTITLES="subs"');
    const list = await text(`${below(playback)}s0/index.m3u8`);
    expect([...list.matchAll(/^#EXTINF:([\d.]+),\n(\S+)$/gm)].map(([, , uri]) => uri)).toEqual(['0.vtt', '1.vtt', '2.vtt']);
    const segments = await Promise.all([0, 1, 2].map((n) => text(`${below(playback)}s0/${n}.vtt`)));
    for (const segment of segments) expect(segment).toMatch(/^WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00\.000\n/);
    expect(segments.map((segment) => parseCues(segment).map(({ startMs }) => Math.round(startMs / 1000)))).toEqual([[1, 28], [28], [60]]);
    const answer = await get(`${below(playback)}s0/3.vtt`);
    expect([answer.status, ((await answer.json()) as Problem).code]).toEqual([404, 'segment_not_found']);
    expect((await get(`${below(playback)}s2/all.vtt`)).status).toBe(404);
  });

  it('are read by ffmpeg from the playlist', async () => {
    const playback = await playbackOf(video());
    const { stdout } = await run(FFMPEG, ['-nostdin', '-v', 'error', '-allowed_extensions', 'ALL', '-headers', `Authorization: Bearer ${client.token}\r\n`, '-i', `${system.baseUrl}${below(playback)}s0/index.m3u8`, '-f', 'srt', '-']);
    expect(stdout.replaceAll('\r', '')).toContain('across\nhalf a minute\n');
    expect(stdout).not.toMatch(/WEBVTT|TIMESTAMP/);
  });

  it('have pictures for the seek bar beside them', async () => {
    const { storyboardUrl } = await playbackOf(video());
    const board = await text(storyboardUrl ?? '');
    const cues = [...board.matchAll(/^(\S+) --> (\S+)\n(\S+)#xywh=(\d+),(\d+),160,90$/gm)];
    expect(cues.length).toBeGreaterThanOrEqual(10);
    expect(cues[0]?.[1]).toBe('00:00:00.000');
    const sheet = await get(new URL(cues[0]?.[3] ?? '', new URL(storyboardUrl ?? '', system.baseUrl)).href);
    expect([sheet.status, sheet.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
    const path = join(folder, 'sheet.jpg');
    await writeFile(path, new Uint8Array(await sheet.arrayBuffer()));
    const { stdout } = await run(FFPROBE, ['-v', 'error', '-show_entries', 'stream=width,height', '-of', 'csv=p=0', path]);
    const [width = 0, height = 0] = stdout.trim().split(',').map(Number);
    for (const [, , , , x, y] of cues) expect([Number(x) + 160 <= width, Number(y) + 90 <= height]).toEqual([true, true]);
  });
});

describe('winding', () => {
  it('has every keyframe of a file as a picture that a decoder takes', async () => {
    const playback = await playbackOf(film);
    expect(await text(playback.masterUrl ?? '')).toMatch(/#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=\d+,AVERAGE-BANDWIDTH=\d+,CODECS="avc1\.[0-9a-f]{6}",RESOLUTION=320x180,URI="i0\/index\.m3u8"/);
    const list = await text(`${below(playback)}i0/index.m3u8`);
    expect(list).toContain('#EXT-X-I-FRAMES-ONLY\n#EXT-X-MAP:URI="../v0/init.mp4"');
    expect(await text(`${below(playback)}iframes.m3u8`)).toContain('#EXT-X-MAP:URI="v0/init.mp4"\n#EXTINF:2.000000,\ni0/0.m4s');
    expect(list.match(/#EXTINF:2\.000000,/g)).toHaveLength(SECONDS / 2);
    const path = join(folder, 'iframes.mp4');
    await writeFile(path, Buffer.concat([await bytes(`${below(playback)}v0/init.mp4`), await bytes(`${below(playback)}i0/3.m4s`), await bytes(`${below(playback)}i0/20.m4s`)]));
    const { stdout, stderr } = await run(FFPROBE, ['-v', 'warning', '-show_entries', 'frame=pts_time,pict_type', '-of', 'csv=p=0', path]);
    expect([stderr, stdout.trim().split('\n').map((line) => line.replace(/,+$/, ''))]).toEqual(['', ['6.000000,I', '40.000000,I']]);
  });

  it('is not offered where each keyframe would have to be encoded', async () => {
    const playback = await playbackOf(encoded);
    expect(await text(playback.masterUrl ?? '')).not.toContain('I-FRAME');
    expect((await get(`${below(playback)}iframes.m3u8`)).status).toBe(404);
  });
});

describe('a film that the browser plays as it is', () => {
  it('has its subtitles as well', async () => {
    await run(FFMPEG, ['-nostdin', '-v', 'error', '-i', join(folder, 'film.mkv'), '-map', '0:v', '-map', '0:a', '-map', '0:2', '-c', 'copy', '-c:s', 'mov_text', '-movflags', '+faststart', join(folder, 'direct.mp4')]);
    const video = await uploaded('direct.mp4');
    const playback = await playbackOf(video);
    expect(playback).toMatchObject({ mode: 'direct', subtitles: [{ id: 's0', language: 'eng' }], storyboardUrl: expect.any(String) });
    expect(parseCues(await text(playback.subtitles[0]?.url ?? '')).map((cue) => Math.round(cue.startMs / 1000))).toEqual([1, 28, 60]);
  });

  it('validated again keeps one file of subtitles', async () => {
    const { id } = await client.ok<Job>('POST', '/api/media/jobs', { type: 'validate', params: { videoId: film.id } });
    await client.untilJob(id, ['completed']);
    expect((await playbackOf(film)).subtitles).toHaveLength(2);
    expect((await playbackOf(film, '?codecs=avc1.42e01e')).subtitles).toHaveLength(2);
  });
});
