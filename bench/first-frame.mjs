// Promise: press play and it plays at once. From the click on a video in the library until Chromium shows its first picture, and
// from a jump until the picture of the new place. Peer in the same run: the same film as a plain MP4 in a bare <video>.
import { copyFile, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { ffmpegPath, quantile, run, timeUntil } from './system.mjs';

const SECONDS = 120;
const JUMP_TO_SECONDS = 77;
const KINDS = /** @type {const} */ ({
  // What it plays as: how the film is made.
  remux: { name: 'mkv', video: ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '60'], limitMs: 400 },
  transcode: { name: 'mkv', video: ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=error:keyint=150'], limitMs: 1_500 },
});

/** 1080p30 with sound. @param {string} path @param {readonly string[]} video */
const makeFilm = async (path, video) => {
  const ten = `${path}.ten.mkv`;
  await run(ffmpegPath, ['-v', 'error', '-y', '-f', 'lavfi', '-i', 'testsrc2=size=1920x1080:rate=30:duration=10', '-f', 'lavfi', '-i', 'sine=440:duration=10', ...video, '-b:v', '6M', '-c:a', 'aac', ten]);
  await run(ffmpegPath, ['-v', 'error', '-y', '-stream_loop', String(SECONDS / 10 - 1), '-i', ten, '-c', 'copy', path]);
};

/** Milliseconds from now until the page's video has shown a picture of `seconds` or later. @param {import('playwright-core').Page} page @param {number} seconds */
const untilPicture = (page, seconds) => page.evaluate((from) => new Promise((resolve) => {
  const look = () => {
    const video = document.querySelector('video');
    if (video === null) {
      requestAnimationFrame(look);
      return;
    }
    video.requestVideoFrameCallback((_now, { mediaTime }) => (mediaTime >= from - 0.5 ? resolve(performance.timeOrigin + performance.now()) : look()));
  };
  look();
}), seconds);

/** @param {import('./system.mjs').BenchSystem} system @param {number} rounds */
export const benchFirstFrame = async (system, rounds) => {
  const browser = await chromium.launch({ executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--autoplay-policy=no-user-gesture-required'] });
  try {
    const page = await browser.newPage();
    await page.goto(system.baseUrl);
    await page.getByLabel('User name').fill('admin');
    await page.getByLabel('Password').fill('bench-password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Library' }).waitFor();
    const rows = [];
    for (const [kind, { name, video, limitMs }] of Object.entries(KINDS)) {
      const film = join(system.folder, `${kind}.${name}`);
      await makeFilm(film, video);
      const times = { play: /** @type {number[]} */ ([]), jump: /** @type {number[]} */ ([]) };
      for (let round = 0; round < rounds; round += 1) {
        // A film of its own each time: nothing of it is known, cached or open.
        const title = `${kind} ${round}`;
        const copy = join(system.folder, `${title}.${name}`);
        await copyFile(film, copy);
        await utimes(copy, 1_700_000_000, 1_700_000_000 + round);
        const { id } = await system.upload(copy, `${title}.${name}`);
        await timeUntil(performance.now(), async () => (await system.api('GET', `/api/media/videos/${id}`)).valid === true);
        await timeUntil(performance.now(), async () => (await system.api('GET', '/api/media/jobs?status=running,queued,pending')).data.length === 0);
        await page.goto(`${system.baseUrl}/library`);
        const link = page.getByRole('link', { name: `Play ${title}`, exact: true }).first();
        await link.waitFor();
        const since = await page.evaluate(() => performance.timeOrigin + performance.now());
        await link.click();
        // Who comes by a click wants to watch: it plays by itself.
        times.play.push(Number(await untilPicture(page, 0)) - since);
        const before = await page.evaluate((to) => {
          const video = document.querySelector('video');
          if (video !== null) video.currentTime = to;
          return performance.timeOrigin + performance.now();
        }, JUMP_TO_SECONDS);
        times.jump.push(Number(await untilPicture(page, JUMP_TO_SECONDS)) - before);
      }
      const peer = await bareTimes(system, browser, film, kind);
      for (const what of /** @type {const} */ (['play', 'jump'])) {
        rows.push({
          promise: `${what === 'play' ? 'first picture' : 'picture after a jump'}, ${kind} 1080p30`, p50Ms: quantile(times[what], 0.5), p95Ms: quantile(times[what], 0.95),
          floorP50Ms: peer[what], ratio: quantile(times[what], 0.5) / peer[what], limitMs,
        });
      }
    }
    return rows;
  } finally {
    await browser.close();
  }
};

/** The same pictures in H.264 as a plain file. @param {import('./system.mjs').BenchSystem} system @param {import('playwright-core').Browser} browser @param {string} film @param {string} kind */
const bareTimes = async (system, browser, film, kind) => {
  const plain = join(system.folder, `plain-${kind}.mp4`);
  await (kind === 'remux'
    ? run(ffmpegPath, ['-v', 'error', '-y', '-i', film, '-c', 'copy', '-movflags', '+faststart', plain])
    : run(ffmpegPath, ['-v', 'error', '-y', '-i', film, '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '60', '-c:a', 'copy', '-movflags', '+faststart', plain], { timeout: 300_000 }));
  const { id } = await system.upload(plain, `plain-${kind}.mp4`);
  const { token } = await system.api('POST', '/api/auth/login', { username: 'admin', password: 'bench-password' });
  const context = await browser.newContext({ extraHTTPHeaders: { authorization: `Bearer ${token}` } });
  try {
    const page = await context.newPage();
    await page.goto(`${system.baseUrl}/healthz`);
    const since = await page.evaluate((src) => {
      const video = document.createElement('video');
      video.muted = true;
      video.src = src;
      document.body.append(video);
      void video.play();
      return performance.timeOrigin + performance.now();
    }, `/api/media/videos/${id}/file`);
    const play = Number(await untilPicture(page, 0)) - since;
    const before = await page.evaluate((to) => {
      const video = document.querySelector('video');
      if (video !== null) video.currentTime = to;
      return performance.timeOrigin + performance.now();
    }, JUMP_TO_SECONDS);
    return { play, jump: Number(await untilPicture(page, JUMP_TO_SECONDS)) - before };
  } finally {
    await context.close();
  }
};
