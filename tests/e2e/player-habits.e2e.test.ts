/** What a viewer relies on without thinking of it: going on where a film was left, links to a place, the small picture, honest words, Auto, and a server that fails unnoticed. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Video } from '@reelay/contracts';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSystem, type System } from '../kit/system.ts';
import { Client } from '../system/client.ts';
import { makeClip } from '../system/clips.ts';
import { openBrowser, playedPast, seekTo, startPlaying, type TestBrowser } from './browser.ts';

/** No browser plays MPEG-2, so all of it is encoded while somebody watches. */
const MPEG2 = ['-c:v', 'mpeg2video', '-q:v', '6', '-g', '12', '-c:a', 'mp2', '-b:a', '128k'];

let system: System;
let folder: string;
let client: Client;
let browser: TestBrowser;
let page: Page;
let film: Video;
let encoded: Video;
/** As `encoded`, and nobody has watched them: no segment of them is there yet. */
let unseen: Video;
let alsoUnseen: Video;
let lost: Video;
let letter: Video;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-habits-'));
  const at = (name: string): string => join(folder, name);
  const tape = { size: '1280x720', rate: '24', codecs: MPEG2 };
  const [started, ...files] = await Promise.all([
    startSystem(), makeClip(at('A walk.mp4'), { seconds: 60 }), makeClip(at('An old tape.mkv'), { ...tape, seconds: 60 }), makeClip(at('Another tape.mkv'), { ...tape, seconds: 70 }), makeClip(at('A lost reel.mp4')), makeClip(at('A third tape.mkv'), { ...tape, seconds: 90 }),
  ]);
  await writeFile(at('A letter.mp4'), 'This is a letter, not a film.\n');
  system = started;
  client = new Client(system.baseUrl);
  await client.login('admin', system.adminPassword);
  const looked = async (file: string): Promise<Video> => client.untilVideo((await client.upload(file)).body.id, ({ valid }) => valid !== null);
  [film, encoded, unseen, lost, letter, alsoUnseen] = await Promise.all([looked(files[0]), looked(files[1]), looked(files[2]), looked(files[3]), looked(at('A letter.mp4')), looked(files[4])]);
  browser = await openBrowser();
  page = browser.page;
  await browser.context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: system.baseUrl });
  await page.goto(`${system.baseUrl}/login`);
  await page.getByLabel('User name').fill('admin');
  await page.getByLabel('Password').fill(system.adminPassword);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Library' }).waitFor();
});
afterAll(async () => {
  await browser.close();
  await rm(folder, { recursive: true, force: true });
  await system.stop();
});

interface Shown { seconds: number; height: number; bufferedTo: number; durationSeconds: number }
const shown = (): Promise<Shown> => page.evaluate(() => {
  const video = document.querySelector('video');
  if (video === null) throw new Error('there is no video on the page');
  const { buffered } = video;
  return { seconds: video.currentTime, height: video.videoHeight, bufferedTo: buffered.length === 0 ? 0 : buffered.end(buffered.length - 1), durationSeconds: video.duration };
});
const watch = async (video: Video, query = ''): Promise<void> => {
  await page.goto(`${system.baseUrl}/videos/${video.id}${query}`);
  await page.locator('video').waitFor();
  await startPlaying(page);
};
const continued = () => page.getByRole('status').filter({ hasText: /^Continued at 0:2\d\./ });
const button = (name: RegExp | string) => page.getByRole('group', { name: 'Controls' }).getByRole('button', { name });
/** What the row of the statistics says. */
const stat = (name: string) => page.getByRole('region', { name: 'Statistics' }).locator('dl > div').filter({ has: page.locator('dt', { hasText: name }) }).locator('dd');

describe('a film that was left in the middle', () => {
  it('goes on there, after another page and after a reload, and says so', async () => {
    await watch(film);
    await playedPast(page, 0.2);
    expect(await page.locator('.resumed').count()).toBe(0);
    await seekTo(page, 20);
    await playedPast(page, 21);
    await page.getByRole('link', { name: 'Library' }).first().click();
    await page.getByRole('heading', { name: 'Library' }).waitFor();
    await page.getByRole('link', { name: `Play ${film.title}`, exact: true }).first().click();
    await continued().waitFor();
    await playedPast(page, 21);
    const { seconds } = await shown();
    await page.reload();
    await continued().waitFor();
    await startPlaying(page);
    await playedPast(page, seconds);
    expect((await shown()).seconds).toBeLessThan(40);
    expect(await page.evaluate(() => location.search)).toBe('');
  });

  it('begins anew when that is asked for, and is not remembered then', async () => {
    await page.getByRole('button', { name: 'Start over' }).click();
    await page.locator('.resumed').waitFor({ state: 'detached' });
    expect((await shown()).seconds).toBeLessThan(10);
    await playedPast(page, 0.5);
    await page.reload();
    await startPlaying(page);
    await playedPast(page, 0.2);
    expect((await shown()).seconds).toBeLessThan(10);
    expect(await page.locator('.resumed').count()).toBe(0);
  });
});

describe('a link to a place', () => {
  it('is copied, and opens there', async () => {
    await watch(film, '?t=33');
    await playedPast(page, 33.2);
    await page.keyboard.press('k');
    const second = Math.floor((await shown()).seconds);
    await page.getByRole('button', { name: 'Copy link here' }).click();
    await page.getByText('Link copied').waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(copied).toBe(`${system.baseUrl}/videos/${film.id}?t=${second}`);
    // Nothing is remembered in another browser: the place is the link's.
    await page.goto('about:blank');
    await page.goto(system.baseUrl);
    await page.evaluate(() => localStorage.removeItem('reelay.positions'));
    await page.goto(copied);
    await startPlaying(page);
    await playedPast(page, second);
    expect((await shown()).seconds).toBeLessThan(second + 10);
  });
});

describe('a picture in the picture', () => {
  it('opens from the menu and closes by its key', async () => {
    await watch(film, '?t=5');
    await playedPast(page, 5.2);
    await button('More').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name: 'Picture in picture' }).click();
    await page.waitForFunction(() => document.pictureInPictureElement !== null && document.pictureInPictureElement === document.querySelector('video'));
    await page.keyboard.press('p');
    await page.waitForFunction(() => document.pictureInPictureElement === null);
  });
});

describe('a video that cannot be played', () => {
  it('whose file is gone says so, and offers to look again', async () => {
    const name = (await readdir(system.libraryRoot, { recursive: true })).find((path) => basename(path) === basename(lost.path));
    if (name === undefined) throw new Error(`${lost.path} is not in the library`);
    await rm(join(system.libraryRoot, name));
    await page.goto(`${system.baseUrl}/videos/${lost.id}`);
    const trouble = page.locator('.trouble');
    await trouble.getByText('The file is not where it was. “Validate Metadata” looks at it again.').waitFor();
    await browser.picture('player-gone');
    await trouble.getByRole('button', { name: 'Validate Metadata' }).click();
    await page.getByRole('dialog').getByText(lost.title).first().waitFor();
  });

  it('because it is no film says why', async () => {
    expect(letter.valid).toBe(false);
    await page.goto(`${system.baseUrl}/videos/${letter.id}`);
    const trouble = page.locator('.trouble');
    await trouble.getByRole('button', { name: 'Validate Metadata' }).waitFor();
    expect(await trouble.locator('p').allTextContents()).toEqual([expect.stringMatching(/^[A-Z].+\.$/)]);
    expect(await page.locator('video').count()).toBe(0);
    // An encode of it could only fail.
    expect(await trouble.getByRole('button', { name: /Re-encode/ }).count()).toBe(0);
  });
});

describe('a film that is encoded while one watches', () => {
  it('climbs to a better quality by itself, and the statistics say so in figures', async () => {
    await watch(encoded);
    await playedPast(page, 0.1);
    const { height } = await shown();
    expect(height).toBeLessThan(720);
    await page.keyboard.press('i');
    await button(/^Quality: Auto \(\d+p\)$/).waitFor();
    // On a busy machine it may first go down. The button follows the picture.
    await page.waitForFunction((low) => {
      const video = document.querySelector('video');
      const label = document.querySelector('button[aria-label^="Quality: Auto ("]')?.getAttribute('aria-label');
      return video !== null && video.videoHeight > low && label === `Quality: Auto (${video.videoHeight}p)`;
    }, height, { timeout: 60_000 });
    const { height: higher, seconds } = await shown();
    console.log(`Auto began with ${height}p and was at ${higher}p at ${seconds.toFixed(1)} s`);
    await stat('Quality').getByText(new RegExp(`^Auto: ${higher}p, [1-9][\\d.]* [kM]bit/s$`)).waitFor();
    await stat('Picture').getByText(new RegExp(`^\\d+×${higher}$`)).waitFor();
    expect(await stat('Bandwidth').textContent()).toMatch(/^[1-9][\d.,]* [kMG]bit\/s$/);
    // Read anew while it plays: a figure that stands still would be none.
    const buffer = await stat('Buffer').textContent() ?? '';
    expect(buffer).toMatch(/^\d+\.\d s$/);
    await stat('Buffer').filter({ hasText: /^\d*[1-9]\d*\.\d s$/, hasNotText: buffer }).waitFor();
    await page.keyboard.press('i');
  });

  it('plays on past all it had when the gateway was killed, without a reload', async () => {
    await watch(unseen);
    await playedPast(page, 0.5);
    await page.evaluate(() => {
      const video = document.querySelector('video');
      if (video === null) throw new Error('there is no video on the page');
      let last = { seconds: video.currentTime, atMs: performance.now() };
      Reflect.set(window, 'stoodMs', 0);
      setInterval(() => {
        const next = { seconds: video.currentTime, atMs: performance.now() };
        if (next.seconds === last.seconds) Reflect.set(window, 'stoodMs', Number(Reflect.get(window, 'stoodMs')) + next.atMs - last.atMs);
        last = next;
      }, 50);
    });
    // The worst moment: a film just begun, with next to nothing ahead.
    await system.kill('gateway', 'SIGKILL');
    const { seconds, bufferedTo, durationSeconds } = await shown();
    // Else it would prove nothing.
    expect(bufferedTo).toBeLessThan(durationSeconds - 5);
    await page.waitForFunction((past) => (document.querySelector('video')?.currentTime ?? 0) > past, bufferedTo + 2, { timeout: 90_000 });
    // A page loaded anew would have none.
    const stoodMs: unknown = await page.evaluate(() => Reflect.get(window, 'stoodMs'));
    expect(stoodMs).toBeTypeOf('number');
    console.log(`Killed at ${seconds.toFixed(1)} s with data up to ${bufferedTo.toFixed(1)} s: the player stood still for ${Math.round(Number(stoodMs))} ms`);
  });

  it('plays from a jump whose gateway was killed before it answered, without a reload', async () => {
    await watch(alsoUnseen);
    await playedPast(page, 0.5);
    await page.evaluate(() => Reflect.set(window, 'sameDocument', true));
    const { durationSeconds } = await shown();
    const to = durationSeconds - 10;
    await page.evaluate((seconds) => {
      const video = document.querySelector('video');
      if (video !== null) video.currentTime = seconds;
    }, to);
    await system.kill('gateway', 'SIGKILL');
    const atMs = performance.now();
    const { bufferedTo } = await shown();
    // Else it would prove nothing.
    expect(bufferedTo).toBeLessThan(to);
    await playedPast(page, to + 0.1);
    console.log(`Killed at a jump: the picture moved there ${Math.round(performance.now() - atMs)} ms later`);
    expect(await page.evaluate(() => Reflect.get(window, 'sameDocument'))).toBe(true);
  });
});
