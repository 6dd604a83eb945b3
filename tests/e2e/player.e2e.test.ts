/** The player as a viewer meets it: choosing quality, sound and subtitles, the keyboard alone, a gateway that dies meanwhile. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { StreamList, StreamStatsList, Video } from '@reelay/contracts';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSystem, type System } from '../kit/system.ts';
import { Client } from '../system/client.ts';
import { openBrowser, playedPast, startPlaying, type TestBrowser } from './browser.ts';

const run = promisify(execFile);
const SECONDS = 60;

let system: System;
let folder: string;
let client: Client;
let film: Video;
let browser: TestBrowser;
let page: Page;

const subtitle = (n: number, text: string): string => `${n + 1}\n00:00:${String(n * 2).padStart(2, '0')},000 --> 00:00:${String(n * 2 + 1).padStart(2, '0')},900\n${text} <i>${n}</i>\n`;

/** A minute in Matroska: two sound tracks, subtitles in two languages. */
const makeFilm = async (path: string): Promise<string> => {
  const texts = await Promise.all(['Line', 'Zeile'].map(async (word) => {
    const file = join(folder, `${word}.srt`);
    await writeFile(file, Array.from({ length: 30 }, (_, n) => subtitle(n, word)).join('\n'));
    return file;
  }));
  await run(process.env['FFMPEG_PATH'] ?? 'ffmpeg', [
    '-nostdin', '-v', 'error', '-y', '-f', 'lavfi', '-i', `testsrc2=size=1280x720:rate=24:duration=${SECONDS}`,
    ...[330, 550].flatMap((tone) => ['-f', 'lavfi', '-i', `sine=frequency=${tone}:sample_rate=48000:duration=${SECONDS}`]), ...texts.flatMap((file) => ['-i', file]),
    ...[0, 1, 2, 3, 4].flatMap((n) => ['-map', String(n)]), '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '48', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-b:a', '64k', '-c:s', 'srt',
    ...['a:0', 's:0'].flatMap((track) => [`-metadata:s:${track}`, 'language=eng']), ...['a:1', 's:1'].flatMap((track) => [`-metadata:s:${track}`, 'language=ger']), `file:${path}`,
  ]);
  return path;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-player-'));
  const [started, file] = await Promise.all([startSystem(), makeFilm(join(folder, 'A night at the station.mkv'))]);
  system = started;
  client = new Client(system.baseUrl);
  await client.login('admin', system.adminPassword);
  const { body } = await client.upload(file);
  film = await client.untilVideo(body.id, ({ valid, thumbnailPath }) => valid === true && thumbnailPath !== null);
  browser = await openBrowser();
  page = browser.page;
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

interface Shown { seconds: number; height: number; speed: number; paused: boolean }
const shown = (): Promise<Shown> => page.evaluate(() => {
  const video = document.querySelector('video');
  if (video === null) throw new Error('there is no video on the page');
  return { seconds: video.currentTime, height: video.videoHeight, speed: video.playbackRate, paused: video.paused };
});
const untilHeight = async (height: number): Promise<void> => {
  await page.waitForFunction((wanted) => {
    const video = document.querySelector('video');
    return video !== null && video.videoHeight === wanted && video.readyState >= 2 && !video.seeking;
  }, height);
};
const button = (name: RegExp | string) => page.getByRole('group', { name: 'Controls' }).getByRole('button', { name });
/** By keyboard: a mouse that stands still finds the controls put away after 3 s. */
const openMenu = async (menu: RegExp): Promise<void> => {
  await button(menu).focus();
  await page.keyboard.press('Enter');
};
const choose = async (menu: RegExp, item: string): Promise<void> => {
  await openMenu(menu);
  await page.getByRole('menuitemradio', { name: item }).click();
};
const watch = async (seconds: number): Promise<void> => {
  await page.goto(`${system.baseUrl}/videos/${film.id}?t=${seconds}`);
  await page.locator('video').waitFor();
  await startPlaying(page);
  await playedPast(page, seconds + 0.2);
};
const violations = async (): Promise<string[]> => {
  const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  const results = await page.evaluate(`${axe}\n;axe.run(document, { resultTypes: ['violations'] })`) as AxeResults;
  return results.violations.map(({ id, nodes }) => `${id} at ${nodes.map((node) => node.target.join(' ')).join(', ')}`);
};

describe('choosing', () => {
  it('a lower quality and back keeps the place, the speed, and whether it plays', async () => {
    await watch(10);
    await choose(/^Speed/, '1.5×');
    expect(await shown()).toMatchObject({ height: 720, speed: 1.5, paused: false });
    await choose(/^Quality: Original/, '240p');
    await untilHeight(240);
    await playedPast(page, 11);
    const low = await shown();
    expect(low).toMatchObject({ speed: 1.5, paused: false });
    expect(low.seconds).toBeLessThan(40);
    await page.keyboard.press('k');
    const { seconds } = await shown();
    await choose(/^Quality: 240p/, 'Original (720p)');
    await untilHeight(720);
    const back = await shown();
    expect(back).toMatchObject({ speed: 1.5, paused: true });
    expect(Math.abs(back.seconds - seconds)).toBeLessThan(0.2);
    await choose(/^Speed/, 'Normal');
  });

  it('another sound track', async () => {
    await watch(5);
    const asked = page.waitForRequest((request) => /\/a1\/\d+\.m4s$/.test(request.url()));
    await choose(/^Sound: English/, 'German');
    await asked;
    await button(/^Sound: German/).waitFor();
    await playedPast(page, (await shown()).seconds + 1);
    await page.keyboard.press('a');
    await button(/^Sound: English/).waitFor();
  });

  it('subtitles, which are off until asked for', async () => {
    await watch(9);
    expect(await page.locator('.captions p').count()).toBe(0);
    await page.keyboard.press('c');
    await page.locator('.captions p').filter({ hasText: /^Line \d+$/ }).first().waitFor();
    await choose(/^Subtitles: English/, 'German');
    await page.locator('.captions i').first().waitFor();
    expect(await page.locator('.captions p').first().textContent()).toMatch(/^Zeile \d+$/);
    await page.reload();
    await startPlaying(page);
    await page.locator('.captions p').filter({ hasText: 'Zeile' }).first().waitFor();
    await page.keyboard.press('c');
    await button('Subtitles: Off').waitFor();
  });

  it('a place in the film, with its picture', async () => {
    await watch(3);
    const bar = page.getByRole('slider', { name: 'Place in the video' });
    const box = await bar.boundingBox();
    if (box === null) throw new Error('the bar is not shown');
    await page.mouse.move(box.x + box.width / 3, box.y - 100);
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 4 });
    await page.locator('.seek-preview').getByText(/^0:(29|30)$/).waitFor();
    await page.locator('.seek-tile').waitFor();
    await browser.picture('player-preview');
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.75, box.y + box.height / 2, { steps: 4 });
    await page.mouse.up();
    await playedPast(page, 45);
    expect((await shown()).seconds).toBeLessThan(50);
  });
});

describe('the keyboard alone', () => {
  it('reaches every control and says what it did', async () => {
    await page.goto(`${system.baseUrl}/videos/${film.id}?t=8`);
    await page.locator('video').waitFor();
    await page.getByRole('slider', { name: 'Place in the video' }).waitFor();
    const said = (text: string): Promise<void> => page.locator('.echo').getByText(text, { exact: true }).waitFor();
    const reached: string[] = [];
    for (let presses = 0; presses < 40 && reached.at(-1) !== 'Full screen'; presses += 1) {
      await page.keyboard.press('Tab');
      reached.push(await page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? ''));
    }
    for (const name of ['Place in the video', (await shown()).paused ? 'Play' : 'Pause', 'Sound off', 'Volume', 'Subtitles: Off', 'Sound: English', 'Quality: Original', 'Speed: Normal', 'More', 'Full screen']) expect(reached).toContain(name);
    if (!(await shown()).paused) await page.keyboard.press('k');
    await page.keyboard.press('k');
    await said('Playing');
    await playedPast(page, 8.3);
    await page.getByRole('slider', { name: 'Place in the video' }).focus();
    await page.keyboard.press('End');
    await page.keyboard.press('Home');
    await page.keyboard.press('PageUp');
    await page.keyboard.press('ArrowDown');
    expect(await page.getByRole('slider', { name: 'Place in the video' }).getAttribute('aria-valuetext')).toMatch(/^0:5[45] of 1:00$/);
    await button(/^Speed/).focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await said('Speed 1.25×');
    expect((await shown()).speed).toBe(1.25);
    expect(await button('Speed: 1.25×').evaluate((element) => element === document.activeElement)).toBe(true);
    await page.keyboard.press('<');
    await said('Speed 1×');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys of the player' }).waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('m');
    await said('Sound off');
    await page.keyboard.press('m');
  });
});

describe('statistics', () => {
  it('say how it plays and why, and what the encoder does', async () => {
    await watch(20);
    await page.keyboard.press('i');
    const stats = page.getByRole('region', { name: 'Statistics' });
    await stats.getByText('Remux: cut from the file, not encoded').waitFor();
    const pictures = stats.getByText(/^\d+ decoded, \d+ dropped$/);
    const before = Number.parseInt(await pictures.textContent() ?? '', 10);
    await page.waitForFunction((count) => Number.parseInt([...document.querySelectorAll('.stats dd')].find(({ textContent }) => textContent.includes(' decoded'))?.textContent ?? '', 10) > count, before);
    await choose(/^Quality/, '360p');
    await stats.getByText('Encoded while you watch', { exact: true }).waitFor();
    await stats.getByText('A quality was chosen that the file does not have.').waitFor();
    await stats.getByText('libx264').waitFor();
    await stats.getByText(/× real time/).waitFor();
    await browser.picture('player-statistics');
    await page.keyboard.press('i');
    await stats.waitFor({ state: 'detached' });
  });

  it('name the node to a super admin alone', async () => {
    await client.ok('POST', '/api/users', { username: 'viewer', password: 'a good password', role: 'VIEWER' });
    const viewer = new Client(system.baseUrl);
    await viewer.login('viewer', 'a good password');
    const path = `/api/media/videos/${film.id}/stream-stats`;
    const [seen, all] = await Promise.all([viewer.ok<StreamStatsList>('GET', path), client.ok<StreamStatsList>('GET', path)]);
    expect(seen.data).toMatchObject([{ state: 'open', nodeId: null, deviceId: null, encoder: 'libx264' }]);
    expect(all.data).toMatchObject([{ nodeId: 'local' }]);
    expect(JSON.stringify(seen)).not.toContain('pid');
    expect((await new Client(system.baseUrl).call('GET', path)).status).toBe(401);
  });
});

describe('a film that is left', () => {
  it('has nothing encoded any more, long before it would be missed', async () => {
    await watch(2);
    await choose(/^Quality/, '240p');
    await untilHeight(240);
    const streams = async (): Promise<StreamList['data']> => (await client.ok<StreamList>('GET', '/api/media/streams')).data;
    expect(await streams()).toHaveLength(1);
    await page.getByRole('link', { name: 'Library' }).first().click();
    await client.untilNow('its stream to end', async () => (await streams()).length === 0, 5_000);
  });
});

describe('a gateway that dies', () => {
  it('is waited for, and playing goes on by itself', async () => {
    await watch(2);
    await choose(/^Quality/, '240p');
    await untilHeight(240);
    await system.kill('gateway', 'SIGKILL');
    await page.evaluate(() => {
      const video = document.querySelector('video');
      if (video !== null) video.currentTime = 52;
    });
    await page.getByText(/The server is away\. Trying again/).waitFor();
    await browser.picture('player-away');
    await playedPast(page, 52.5);
    expect((await shown()).height).toBe(240);
  });
});

describe('a session that ends', () => {
  it('is signed in again, and the film goes on where it was', async () => {
    await watch(2);
    await page.evaluate(async () => {
      await fetch('/api/auth/logout', { method: 'POST', headers: { 'x-reelay-csrf': '1' } });
      const video = document.querySelector('video');
      if (video !== null) video.currentTime = 41;
    });
    await page.getByLabel('User name').fill('admin');
    await page.getByLabel('Password').fill(system.adminPassword);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: film.title }).waitFor();
    await startPlaying(page);
    await playedPast(page, 41.2);
  });
});

describe('a telephone', () => {
  it('goes back and forward by two touches, and plays or pauses', async () => {
    const context = await browser.context.browser()?.newContext({ viewport: { width: 390, height: 800 }, hasTouch: true, isMobile: true, storageState: await browser.context.storageState() });
    if (context === undefined) throw new Error('the browser is gone');
    const phone = await context.newPage();
    await phone.goto(`${system.baseUrl}/videos/${film.id}?t=20`);
    await phone.getByRole('button', { name: /^(Play|Pause)$/ }).waitFor();
    await startPlaying(phone);
    await playedPast(phone, 20.1);
    const box = await phone.locator('video').boundingBox();
    if (box === null) throw new Error('there is no picture');
    const tapTwice = async (share: number): Promise<void> => {
      for (let taps = 0; taps < 2; taps += 1) await phone.touchscreen.tap(box.x + box.width * share, box.y + box.height * 0.4);
    };
    await tapTwice(0.9);
    await phone.locator('.echo').getByText('+10 s').waitFor();
    await playedPast(phone, 30);
    await tapTwice(0.5);
    await phone.locator('.echo').getByText('Paused').waitFor();
    await tapTwice(0.1);
    await phone.locator('.echo').getByText('−10 s').waitFor();
    expect(await phone.evaluate(() => document.fullscreenElement)).toBeNull();
    await context.close();
  });
});

describe('a browser that plays HLS by itself and lets no script feed it', () => {
  it('gets signed addresses, keeps the place between sources, and gets over a gateway that dies', async ({ skip }) => {
    const context = await browser.context.browser()?.newContext({ storageState: await browser.context.storageState() });
    if (context === undefined) throw new Error('the browser is gone');
    await context.addInitScript(() => {
      for (const name of ['MediaSource', 'ManagedMediaSource', 'WebKitMediaSource']) Reflect.deleteProperty(window, name);
    });
    const native = await context.newPage();
    const source = (): Promise<string> => native.evaluate(() => document.querySelector('video')?.src ?? '');
    await native.goto(`${system.baseUrl}/videos/${film.id}?t=20`);
    await native.locator('video').waitFor();
    const playsHls = await native.evaluate(() => document.createElement('video').canPlayType('application/vnd.apple.mpegurl') !== '');
    if (!playsHls) await context.close();
    skip(!playsHls, 'this Chromium plays no HLS by itself');
    await startPlaying(native);
    await playedPast(native, 20.5);
    const original = await source();
    expect(original).toMatch(/\/s\/[^/]+\/stream\/.*\/master\.m3u8$/);
    expect(await native.evaluate(() => document.querySelector('video')?.videoHeight)).toBe(720);
    await native.getByRole('group', { name: 'Controls' }).getByRole('button', { name: /^Quality/ }).focus();
    await native.keyboard.press('Enter');
    await native.getByRole('menuitemradio', { name: /^Auto/ }).click();
    await expect.poll(source).not.toBe(original);
    await playedPast(native, 21);
    expect(await source()).toMatch(/\/s\/[^/]+\/stream\/.*\/t[0-9a-f]+\/master\.m3u8$/);
    await system.kill('gateway', 'SIGKILL');
    await native.evaluate(() => {
      const video = document.querySelector('video');
      if (video !== null) video.currentTime = 45;
    });
    // In between the element has an error, which the player gets over.
    await native.waitForFunction(() => {
      const video = document.querySelector('video');
      return video !== null && video.error === null && !video.seeking && video.currentTime > 45.5;
    });
    await context.close();
  });
});

const LOOKS = [
  { name: 'wide-light', width: 1280, height: 800, colorScheme: 'light' },
  { name: 'narrow-dark', width: 390, height: 800, colorScheme: 'dark' },
] as const;
describe.each(LOOKS)('$name', ({ name, width, height, colorScheme }) => {
  it('has no accessibility violation with each menu open', async () => {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme });
    // The browser itself notes what was refused or had no answer in the tests before.
    browser.complaints.length = 0;
    await watch(12);
    await page.keyboard.press('k');
    await page.keyboard.press('c');
    await page.locator('.captions p').first().waitFor();
    await page.keyboard.press('i');
    await browser.picture(`player-all-${name}`);
    expect(await violations()).toEqual([]);
    for (const menu of [/^Quality/, /^Subtitles/, /^More/]) {
      await openMenu(menu);
      await page.getByRole('menu').waitFor();
      await browser.picture(`player-${menu.source.slice(1)}-${name}`);
      expect(await violations()).toEqual([]);
      await page.keyboard.press('Escape');
    }
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(overflow).toBeLessThanOrEqual(0);
    await page.keyboard.press('c');
    expect(browser.complaints).toEqual([]);
  });
});
