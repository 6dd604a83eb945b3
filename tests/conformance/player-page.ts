/** A page with one of two HLS players, at the gateway's own origin: it knows the master URL and nothing else. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const SCRIPTS = { 'hls.js': 'hls.js/dist/hls.min.js', 'shaka-player': 'shaka-player/dist/shaka-player.compiled.js' } as const;
export type PlayerName = keyof typeof SCRIPTS;

/** What a player met on its way through a film. */
export interface Played {
  errors: string[];
  /** Times at which it arrived: after the start, after the seek, at the end. */
  started: boolean;
  sought: boolean;
  ended: boolean;
  durationSeconds: number;
  buffered: [number, number][];
  width: number;
  soundBytes: number;
}

/** In the page: waits for a condition, false after 25 s. */
function until(condition: () => boolean): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (reached: boolean): void => {
      clearTimeout(deadline);
      clearInterval(timer);
      resolve(reached);
    };
    const deadline = setTimeout(() => finish(false), 25_000);
    const timer = setInterval(() => condition() && finish(true), 20);
  });
}

/** Opens the page. The context must be signed in. */
export async function openPlayer(page: Page, baseUrl: string, name: PlayerName): Promise<void> {
  const script = readFileSync(createRequire(import.meta.url).resolve(SCRIPTS[name]), 'utf8');
  await page.route(`${baseUrl}/second-client`, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><link rel="icon" href="data:,"><video id="v" width="320" muted></video>' }));
  await page.goto(`${baseUrl}/second-client`);
  await page.addScriptTag({ content: script });
  await page.addScriptTag({ content: until.toString() });
}

/** Plays from the beginning, seeks, and then plays the last seconds to the end. */
export function playThrough(page: Page, options: { name: PlayerName; url: string; seekTo: number }): Promise<Played> {
  return page.evaluate(async ({ name, url, seekTo }) => {
    const video = document.querySelector('video');
    if (video === null) throw new Error('no video element');
    const errors: string[] = [];
    const until = Reflect.get(window, 'until') as (condition: () => boolean) => Promise<boolean>;
    if (name === 'hls.js') {
      const Hls = Reflect.get(window, 'Hls');
      const hls = new Hls({ startPosition: 0 });
      hls.on('hlsError', (_: unknown, data: { type: string; details: string; reason?: string; error?: Error }) => {
        // It says so when a seek calls off what it was waiting for.
        if (data.details !== 'aborted') errors.push([data.type, data.details, data.reason ?? data.error?.message ?? ''].join(' '));
      });
      hls.loadSource(url);
      hls.attachMedia(video);
    } else {
      const shaka = Reflect.get(window, 'shaka');
      shaka.polyfill.installAll();
      const player = new shaka.Player();
      await player.attach(video);
      player.addEventListener('error', (event: { detail: { code: number; message: string } }) => errors.push(`shaka ${event.detail.code} ${event.detail.message}`));
      await player.load(url, 0).catch((error: { code: number; message: string }) => errors.push(`shaka load ${error.code} ${error.message}`));
    }
    await until(() => video.readyState >= 2);
    await video.play().catch((error: Error) => errors.push(error.message));
    const started = await until(() => video.currentTime > 1.5);
    video.currentTime = seekTo;
    const sought = await until(() => !video.seeking && video.currentTime > seekTo + 1 && video.currentTime < seekTo + 20);
    video.currentTime = video.duration - 1.5;
    const ended = await until(() => video.ended);
    const buffered: [number, number][] = [];
    for (let i = 0; i < video.buffered.length; i += 1) buffered.push([video.buffered.start(i), video.buffered.end(i)]);
    if (video.error !== null) errors.push(`media error ${video.error.code} ${video.error.message}`);
    return {
      errors, started, sought, ended, durationSeconds: video.duration, buffered, width: video.videoWidth,
      soundBytes: Number(Reflect.get(video, 'webkitAudioDecodedByteCount') ?? 0),
    };
  }, options);
}
