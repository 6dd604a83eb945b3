// Plays packages in Chromium through hls.js: the proof that box-level checks cannot give.
import { readFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPackage, type MediaPackage } from './package.ts';
import { ClipFolder, probe } from './testing.ts';

const CHROMIUM = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--autoplay-policy=no-user-gesture-required',
];
const HLS_JS = readFileSync(createRequire(import.meta.url).resolve('hls.js/dist/hls.min.js'), 'utf8');

const folder = new ClipFolder();
const packages = new Map<string, MediaPackage>();
let server: Server;
let origin = '';
let browser: Browser;

const source = ['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25:d=20', '-f', 'lavfi', '-i', 'sine=f=440:r=48000:d=20'];
const x264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-x264-params', 'b-adapt=0', '-g', '50', '-pix_fmt', 'yuv420p'];

async function respond(path: string): Promise<{ type: string; body: string | Uint8Array } | null> {
  if (path === '/hls.js') return { type: 'text/javascript', body: HLS_JS };
  if (path === '/') return { type: 'text/html', body: '<!doctype html><link rel="icon" href="data:,"><script src="/hls.js"></script><video id="v" width="320"></video>' };
  const [, name = '', first = '', second = ''] = path.split('/').map(decodeURIComponent);
  const media = packages.get(name);
  if (!media) return null;
  if (first === 'master.m3u8') return { type: 'application/vnd.apple.mpegurl', body: media.masterPlaylist() };
  if (second === 'index.m3u8') return { type: 'application/vnd.apple.mpegurl', body: media.mediaPlaylist(first) };
  const body = second === 'init.mp4' ? await media.init(first) : await media.segment(first, Number.parseInt(second, 10));
  return { type: 'video/mp4', body };
}

async function answer(url: string, response: ServerResponse): Promise<void> {
  try {
    const found = await respond(new URL(url, 'http://x').pathname);
    response.writeHead(found ? 200 : 404, { 'content-type': found?.type ?? 'text/plain' });
    response.end(found?.body ?? '');
  } catch (error) {
    response.writeHead(500);
    response.end(String(error));
  }
}

beforeAll(async () => {
  server = createServer((request, response) => {
    void answer(request.url ?? '/', response);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  origin = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await new Promise((resolve) => server.close(resolve));
  folder.remove();
});

/** In the page: waits for a condition, false after 15 s. */
function until(condition: () => boolean): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (reached: boolean) => {
      clearTimeout(deadline);
      clearInterval(timer);
      resolve(reached);
    };
    const deadline = setTimeout(() => finish(false), 15_000);
    const timer = setInterval(() => condition() && finish(true), 20);
  });
}

/** Starts playback from the beginning, seeks to the middle, and reports what the player saw. */
async function play(page: Page, name: string) {
  await page.goto(`${origin}/`);
  await page.addScriptTag({ content: until.toString() });
  return page.evaluate(async (url) => {
    const video = document.querySelector('video');
    const Hls = Reflect.get(window, 'Hls');
    if (!video) throw new Error('no video element');
    const errors: string[] = [];
    const hls = new Hls({ startPosition: 0 });
    hls.on('hlsError', (_: unknown, data: { type: string; details: string; reason?: string; error?: Error }) => {
      errors.push([data.type, data.details, data.reason ?? data.error?.message ?? ''].join(' '));
    });
    const until = Reflect.get(window, 'until');
    hls.loadSource(url);
    hls.attachMedia(video);
    await until(() => video.readyState >= 2);
    await video.play();
    const advanced = await until(() => video.currentTime > 1);
    video.currentTime = 13.5;
    const sought = await until(() => !video.seeking && video.currentTime > 14.3);
    const buffered: [number, number][] = [];
    for (let i = 0; i < video.buffered.length; i += 1) buffered.push([video.buffered.start(i), video.buffered.end(i)]);
    const quality = video.getVideoPlaybackQuality();
    const result = {
      advanced, sought, errors, buffered, mediaError: video.error?.message ?? null, duration: video.duration,
      width: video.videoWidth, height: video.videoHeight, dropped: quality.corruptedVideoFrames,
      decodedAudio: Number(Reflect.get(video, 'webkitAudioDecodedByteCount') ?? 0), tracks: hls.audioTracks.length,
    };
    hls.destroy();
    return result;
  }, `${origin}/${encodeURIComponent(name)}/master.m3u8`);
}

const CLIPS: readonly { name: string; args: string[]; size?: [number, number]; silent?: boolean; tracks?: number }[] = [
  { name: 'film.mkv', args: [...source, ...x264, '-c:a', 'aac'] },
  { name: 'recording.ts', args: [...source, ...x264, '-c:a', 'aac', '-output_ts_offset', '5000'] },
  { name: 'turned.mov', args: ['-i', 'film.mkv', '-c', 'copy', '-metadata:s:v', 'rotate=90'], size: [180, 320] },
  { name: 'two.mkv', args: [...source, '-map', '0:v', '-map', '1:a', '-map', '1:a', ...x264, '-c:a', 'aac', '-metadata:s:a:0', 'language=eng', '-metadata:s:a:1', 'language=deu'], tracks: 2 },
  { name: 'mp3.flv', args: [...source, ...x264, '-c:a', 'libmp3lame', '-ar', '44100'] },
  { name: 'flac.mkv', args: [...source, ...x264, '-c:a', 'flac'] },
  { name: 'vp9.mkv', args: [...source, '-c:v', 'libvpx-vp9', '-cpu-used', '8', '-deadline', 'realtime', '-g', '50', '-b:v', '300k', '-c:a', 'libopus'] },
  { name: 'silent.mkv', args: [...source.slice(0, 4), ...x264], silent: true },
];

describe.each(CLIPS)('$name in Chromium', ({ name, args, size = [320, 180], silent = false, tracks }) => {
  it('plays and seeks without an error', async () => {
    const clip = await probe(await folder.make(name, ...args.map((arg) => (arg === 'film.mkv' ? join(folder.path, arg) : arg))));
    packages.set(name, openPackage({ absPath: clip.path, mediaInfo: clip.info, index: clip.index }));
    const page = await browser.newPage();
    const messages: string[] = [];
    page.on('console', (message) => { if (message.type() === 'error') messages.push(message.text()); });
    const seen = await play(page, name);
    await page.close();
    expect(seen).toMatchObject({ advanced: true, sought: true, errors: [], mediaError: null, width: size[0], height: size[1], dropped: 0 });
    expect(messages).toEqual([]);
    expect(Math.abs(seen.duration - 20)).toBeLessThan(0.2);
    if (!silent) expect(seen.decodedAudio).toBeGreaterThan(0);
    if (tracks !== undefined) expect(seen.tracks).toBe(tracks);
  }, 60_000);
});
