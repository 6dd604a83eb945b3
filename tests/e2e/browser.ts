/** Chromium for the end-to-end tests; collects what a user must never see: console errors and failed loads. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required',
];

export interface TestBrowser {
  page: Page;
  context: BrowserContext;
  /** Errors in the console and responses ≥ 500 so far. */
  complaints: string[];
  /** Keeps a picture of the page when REELAY_SCREENSHOTS names a folder. */
  picture(name: string): Promise<void>;
  close(): Promise<void>;
}

export const openBrowser = async (options: { width?: number; height?: number; colorScheme?: 'light' | 'dark' } = {}): Promise<TestBrowser> => {
  const browser: Browser = await chromium.launch({ executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium', args: FLAGS });
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1280, height: options.height ?? 800 },
    colorScheme: options.colorScheme ?? 'light',
  });
  context.setDefaultTimeout(30_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('response', (response) => {
    if (response.status() >= 500) complaints.push(`${response.status()} ${response.url()}`);
  });
  const folder = process.env['REELAY_SCREENSHOTS'];
  return {
    page, context, complaints,
    picture: async (name) => {
      if (folder === undefined) return;
      await mkdir(folder, { recursive: true });
      await page.screenshot({ path: join(folder, `${name}.png`) });
    },
    close: () => browser.close(),
  };
};

/** Presses play: again when the player was just giving the element its film, which ends what came before. */
export const startPlaying = async (page: Page): Promise<void> => {
  await page.waitForFunction(() => document.querySelector('video')?.play().then(() => true, () => false));
};

/** Resolves when the page's video has played past `seconds`; fails at once on a media error. */
export const playedPast = async (page: Page, seconds: number): Promise<void> => {
  const handle = await page.waitForFunction((past) => {
    const video = document.querySelector('video');
    if (video === null) return false;
    if (video.error !== null) return `media error ${video.error.code}: ${video.error.message}`;
    return video.currentTime > past && !video.seeking && video.readyState >= 3 ? 'played' : false;
  }, seconds);
  const outcome = await handle.jsonValue();
  if (outcome !== 'played') throw new Error(String(outcome));
};

export const seekTo = (page: Page, seconds: number): Promise<void> =>
  page.evaluate(async (to) => {
    const video = document.querySelector('video');
    if (video === null) throw new Error('there is no video on the page');
    const sought = new Promise((resolve) => video.addEventListener('seeked', resolve, { once: true }));
    video.currentTime = to;
    await sought;
    await video.play();
  }, seconds);
