/** Other people's players read the same master URLs, cut and encoded: from the start, after a seek, to the end, without an error. */
import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openBrowser, type TestBrowser } from '../e2e/browser.ts';
import { openPlayer, playThrough } from './player-page.ts';
import { type Film, Station } from './station.ts';
import { makeSyncClip } from './sync.ts';

const run = promisify(execFile);
const FFMPEG = process.env['FFMPEG_PATH'] ?? 'ffmpeg';
const FFPROBE = process.env['FFPROBE_PATH'] ?? 'ffprobe';
const SECONDS = 24;
const H264_AAC = ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-g', '50', '-pix_fmt', 'yuv420p', '-c:a', 'aac'];
const MPEG2_AC3 = ['-c:v', 'mpeg2video', '-q:v', '5', '-g', '25', '-c:a', 'ac3'];

let station: Station;
let browser: TestBrowser;
const urls: Record<'cut' | 'encoded', { master: string; signed: string }> = { cut: { master: '', signed: '' }, encoded: { master: '', signed: '' } };
const WAYS = ['cut', 'encoded'] as const;

const isThere = (program: string): boolean => {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

beforeAll(async () => {
  [station, browser] = await Promise.all([Station.start(), openBrowser()]);
  const upload = async (name: string, codecs: string[]): Promise<Film> => station.film(await makeSyncClip(station.at(name), { seconds: SECONDS, codecs }));
  const [cut, encoded] = await Promise.all([upload('cut.mkv', H264_AAC), upload('encoded.mkv', MPEG2_AC3)]);
  urls.cut = { master: cut.copyUrl ?? '', signed: cut.signedCopyUrl ?? '' };
  urls.encoded = { master: encoded.encodedUrl ?? '', signed: encoded.signedEncodedUrl ?? '' };
  await browser.context.request.post(`${station.system.baseUrl}/api/auth/login`, { data: { username: 'admin', password: station.system.adminPassword } });
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await station?.stop();
});

it.each(['hls.js', 'shaka-player'] as const)('%s in Chromium plays what is cut and what is encoded', async (name) => {
  const played = await Promise.all(WAYS.map(async (way) => {
    const page = await browser.context.newPage();
    await openPlayer(page, station.system.baseUrl, name);
    const seen = await playThrough(page, { name, url: urls[way].master, seekTo: 13 });
    await page.close();
    return seen;
  }));
  for (const one of played) {
    expect(one).toMatchObject({ errors: [], started: true, sought: true, ended: true });
    expect(Math.abs(one.durationSeconds - SECONDS)).toBeLessThan(0.1);
    expect(one.width).toBeGreaterThan(0);
    expect(one.soundBytes).toBeGreaterThan(0);
  }
});

it('ffmpeg and ffprobe read the whole', async () => {
  for (const way of WAYS) {
    const { signed } = urls[way];
    const { stdout } = await run(FFPROBE, ['-v', 'error', '-show_entries', 'format=duration:stream=codec_type', '-of', 'json', signed]);
    const { format, streams } = JSON.parse(stdout) as { format: { duration: string }; streams: { codec_type: string }[] };
    expect(Math.abs(Number(format.duration) - SECONDS)).toBeLessThan(0.1);
    expect(new Set(streams.map(({ codec_type: type }) => type))).toEqual(new Set(['video', 'audio']));
    // No seek: ffmpeg 5.1 cannot seek in fragmented MP4 over HLS, its own included (measured).
    const { stderr } = await run(FFMPEG, ['-nostdin', '-v', 'warning', '-i', signed, '-map', '0:v:0', '-map', '0:a:0', '-f', 'null', '-'], { timeout: 60_000 });
    expect(stderr).toBe('');
  }
});

it('GStreamer plays both', async ({ skip }) => {
  skip(!isThere('gst-launch-1.0'), 'GStreamer is not installed');
  const played = await Promise.all(WAYS.map((way) => run('gst-launch-1.0', ['-q', 'playbin', `uri=${urls[way].signed}`, 'video-sink=fakesink sync=false', 'audio-sink=fakesink sync=false'], { timeout: 90_000 })));
  for (const { stdout } of played) expect(stdout).not.toMatch(/ERROR/);
});

it('VLC plays both from a seek on to their end', async ({ skip }) => {
  skip(!isThere('cvlc'), 'VLC is not installed');
  // As root it refuses to run: then another user plays.
  const asUser = process.getuid?.() === 0 ? ['runuser', '-u', 'nobody', '--'] : [];
  const startedMs = performance.now();
  const played = await Promise.all(WAYS.map((way) => {
    const [program, ...args] = [...asUser, 'cvlc', '--play-and-exit', '--no-audio', '--vout=dummy', '--start-time=17', '-v', urls[way].signed, 'vlc://quit'];
    return run(program, args, { timeout: 90_000 });
  }));
  for (const { stderr } of played) expect(stderr.split('\n').filter((line) => /error/i.test(line) && !/dbus|interface|mtime|pulse|dummy|vdpau|vaapi|lua|hotkeys|XDG/i.test(line))).toEqual([]);
  // At its own pace, and not by giving up.
  expect(performance.now() - startedMs).toBeGreaterThan(4_000);
});
