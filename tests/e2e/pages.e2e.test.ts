/** Each page, signed in, in light and dark, wide and narrow: no accessibility violation, no sideways scrolling, no error. */
import { EventEmitter, once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSystem, type System } from '../kit/system.ts';
import { Client } from '../system/client.ts';
import { makeClip } from '../system/clips.ts';
import { openBrowser, playedPast, startPlaying, type TestBrowser } from './browser.ts';

const PAGE_CODE = /\/assets\/page-[^/]+\.js$/;
const ENGINE_CODE = /\/assets\/hls-engine-[^/]+\.js$/;

/** Runs in the page, which then plays HLS by hls.js or not at all, as Firefox does. */
const playsNoHlsItself = (): void => {
  const answer: (this: HTMLMediaElement, type: string) => CanPlayTypeResult = Reflect.get(HTMLMediaElement.prototype, 'canPlayType');
  HTMLMediaElement.prototype.canPlayType = function withoutHls(type) {
    return type === 'application/vnd.apple.mpegurl' ? '' : answer.call(this, type);
  };
};
const LOOKS = [
  { name: 'wide-light', width: 1280, height: 800, colorScheme: 'light' },
  { name: 'narrow-dark', width: 390, height: 800, colorScheme: 'dark' },
] as const;

let system: System;
let folder: string;
let axe: string;
let pages: [name: string, path: string, heading: string, loaded: string][];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-pages-'));
  axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  const [started, clip] = await Promise.all([startSystem(), makeClip(join(folder, 'A short film.mp4'))]);
  system = started;
  const client = new Client(system.baseUrl);
  await client.login('admin', system.adminPassword);
  const { body } = await client.upload(clip);
  const video = await client.untilVideo(body.id, (seen) => seen.thumbnailPath !== null);
  // Two encodes that fill the slots, so that the queue shows running and waiting jobs.
  for (let n = 0; n < 3; n += 1) await client.ok('POST', '/api/media/jobs/reencode', { videoId: video.id });
  const { data } = await client.jobs('?type=validate');
  pages = [
    ['library', '/library', 'Library', '.card img'],
    ['queue', '/jobs', 'Queue', 'tbody tr'],
    ['job', `/jobs/${data[0]?.id}`, 'Validate Metadata', 'text=Validation completed'],
    ['player', `/videos/${video.id}`, 'A short film', 'video'],
    ['nodes', '/nodes', 'Nodes', 'text=Healthy'],
  ];
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await system.stop();
});

const signIn = async ({ page }: TestBrowser): Promise<void> => {
  await page.goto(`${system.baseUrl}/login`);
  await page.getByLabel('User name').fill('admin');
  await page.getByLabel('Password').fill(system.adminPassword);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Library' }).waitFor();
};

describe.each(LOOKS)('$name', (look) => {
  let browser: TestBrowser;
  beforeAll(async () => {
    browser = await openBrowser(look);
    await signIn(browser);
    browser.complaints.length = 0;
  });
  afterAll(() => browser.close());

  it('shows every page without a violation', async () => {
    const { page } = browser;
    for (const [name, path, heading, loaded] of pages) {
      await page.goto(system.baseUrl + path);
      await page.getByRole('heading', { level: 1, name: heading }).waitFor();
      await page.locator(loaded).first().waitFor();
      await page.waitForFunction(() => document.querySelector('[aria-busy="true"]') === null);
      await browser.picture(`${name}-${look.name}`);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect(overflow, `${name} scrolls sideways`).toBeLessThanOrEqual(0);
      // Run through the debugger's door: the page's own policy allows no injected script.
      const results = await page.evaluate(`${axe}\n;axe.run(document, { resultTypes: ['violations'] })`) as AxeResults;
      expect(results.violations.map(({ id, nodes }) => `${name}: ${id} at ${nodes.map((node) => node.target.join(' ')).join(', ')}`)).toEqual([]);
    }
    expect(browser.complaints).toEqual([]);
  });
});

describe('the queue page', () => {
  it('loads at most 60 KB compressed the first time, without the player', async () => {
    const browser = await openBrowser();
    try {
      await signIn(browser);
      const { page, context } = browser;
      // What the page before still loads does not count.
      await page.goto('about:blank');
      const session = await context.newCDPSession(page);
      await session.send('Network.enable');
      await session.send('Network.setCacheDisabled', { cacheDisabled: true });
      const scripts: string[] = [];
      let bytes = 0;
      const kinds = new Map<string, string>();
      session.on('Network.responseReceived', ({ requestId, type, response }) => {
        kinds.set(requestId, type);
        if (type === 'Script') scripts.push(response.url);
      });
      session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
        if (['Document', 'Script', 'Stylesheet', 'Image', 'Font'].includes(kinds.get(requestId) ?? '')) bytes += encodedDataLength;
      });
      await page.goto(`${system.baseUrl}/jobs`);
      await page.getByRole('row').filter({ hasText: 'Re-encode' }).first().waitFor();
      expect(bytes).toBeGreaterThan(10_000);
      expect(bytes).toBeLessThanOrEqual(60 * 1024);
      expect(scripts.filter((url) => /hls/.test(url))).toEqual([]);
    } finally {
      await browser.close();
    }
  });
});

describe('a film that is clicked before the player’s code is there', () => {
  beforeAll(async () => {
    const client = new Client(system.baseUrl);
    await client.login('admin', system.adminPassword);
    const { body } = await client.upload(await makeClip(join(folder, 'A film in segments.mkv')));
    await client.untilVideo(body.id, ({ valid }) => valid === true);
  });

  it('plays when that comes, also between the first drawing and what runs after it', async () => {
    const browser = await openBrowser();
    await signIn(browser);
    const page = await browser.context.newPage();
    await page.clock.install();
    const gate = new EventEmitter();
    const opened = once(gate, 'open');
    await page.route(PAGE_CODE, async (route) => {
      await opened;
      await route.continue();
    });
    // The library brings it while nothing else happens.
    const asked = page.waitForRequest(PAGE_CODE);
    await page.goto(`${system.baseUrl}/library`);
    await asked;
    // From here on nothing runs after a drawing.
    await page.clock.pauseAt(Date.now() + 60_000);
    await page.getByRole('link', { name: 'Play A film in segments', exact: true }).first().click();
    await page.getByText('Loading the page').waitFor();
    const evaluated = page.waitForRequest(ENGINE_CODE);
    gate.emit('open');
    await evaluated;
    await page.clock.resume();
    await playedPast(page, 0.5);
    expect(await page.title()).toBe('A film in segments – Reelay');
    await browser.close();
  });

  // Chromium asks again at each try; others remember the first failure. In the end only a page loaded anew has the code.
  it.each([['the page', PAGE_CODE, 2], ['what feeds it', ENGINE_CODE, 3]] as const)('plays also when the code of %s could not be had: the page is loaded anew', async (_what, code, times) => {
    const browser = await openBrowser();
    await signIn(browser);
    const page = await browser.context.newPage();
    await page.addInitScript(playsNoHlsItself);
    await page.route(code, (route) => route.abort('connectionreset'), { times });
    const failed = page.waitForEvent('requestfailed', { predicate: (request) => code.test(request.url()) });
    await page.goto(`${system.baseUrl}/library`);
    await failed;
    const anew = page.waitForEvent('load');
    await page.getByRole('link', { name: 'Play A film in segments', exact: true }).first().click();
    await anew;
    // A page that nobody has touched does not play aloud.
    await startPlaying(page);
    await playedPast(page, 0.5);
    await browser.close();
  });
});
