/** The processes of a node in Chromium: what a job's process is doing, ended by hand, and said in words. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Playback } from '@reelay/contracts';
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startSystem, type System } from '../kit/system.ts';
import { Client } from '../system/client.ts';
import { makeClip } from '../system/clips.ts';
import { openBrowser, type TestBrowser } from './browser.ts';

let system: System;
let browser: TestBrowser;
let folder: string;
let client: Client;
let jobId: string;
let videoId: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-processes-'));
  let clip: string;
  [system, clip] = await Promise.all([startSystem(), makeClip(join(folder, 'Long walk.mp4'), { seconds: 60, size: '640x360' })]);
  client = new Client(system.baseUrl);
  await client.login('admin', system.adminPassword);
  const { body } = await client.upload(clip);
  videoId = body.id;
  await client.untilVideo(body.id, (video) => video.valid === true);
  ({ id: jobId } = await client.ok<{ id: string }>('POST', '/api/media/jobs/reencode', { videoId: body.id, preset: 'veryslow' }));
  browser = await openBrowser();
  const { page } = browser;
  await page.goto(`${system.baseUrl}/login`);
  await page.getByLabel('User name').fill('admin');
  await page.getByLabel('Password').fill(system.adminPassword);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Library' }).waitFor();
  browser.complaints.length = 0;
});
afterAll(async () => {
  await browser.close();
  await rm(folder, { recursive: true, force: true });
  await system.stop();
});

const row = (): Locator => browser.page.getByRole('listitem').filter({ has: browser.page.getByRole('link', { name: 'Re-encode for Streaming of “Long walk”' }) }).last();

it('a node is drained with a deadline, says how long its jobs have, and is resumed with the job still running', async () => {
  const { page } = browser;
  await page.goto(`${system.baseUrl}/nodes`);
  await row().getByText('Running').waitFor();
  await page.getByRole('button', { name: 'Drain' }).click();
  const dialog = page.getByRole('dialog', { name: /^Drain / });
  await dialog.getByText('1 job there now').waitFor();
  await dialog.getByLabel('Running jobs').selectOption({ label: 'Give them back in …' });
  await dialog.getByLabel('Minutes').fill('0');
  await expect.poll(() => dialog.getByRole('button', { name: 'Drain' }).isDisabled()).toBe(true);
  await dialog.getByLabel('Minutes').fill('7');
  await dialog.getByRole('button', { name: 'Drain' }).click();
  await page.getByText(/^Running jobs are given back in (7 min|6 min \d+ s)\.$/).waitFor();
  await browser.picture('draining');
  await page.getByRole('button', { name: 'Deadline' }).click();
  await page.getByRole('dialog', { name: /^Deadline of / }).getByRole('button', { name: 'Set' }).click();
  await page.getByText('Running jobs finish.').waitFor();
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Resume' }).click();
  await page.getByRole('button', { name: 'Drain' }).waitFor();
  expect((await client.job(jobId)).status).toBe('running');
});

it('shows what a job’s process uses, with its file and the ffmpeg in its group', async () => {
  const { page } = browser;
  await page.goto(`${system.baseUrl}/nodes`);
  await row().getByText('Running').waitFor();
  await row().getByText(/Long walk\.mp4$/).waitFor();
  await row().getByText(/^\d+ processes in its group$/).click();
  await row().getByRole('cell', { name: 'ffmpeg' }).waitFor();
  await expect.poll(async () => Number.parseInt(await row().locator('dt:text-is("CPU") + dd').innerText(), 10)).toBeGreaterThan(10);
  await page.getByText('Waiting for a job').waitFor();
  await browser.picture('processes');
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize({ width: 390, height: 800 });
  await row().scrollIntoViewIfNeeded();
  await browser.picture('processes-narrow-dark');
  expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBeLessThanOrEqual(0);
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 1280, height: 800 });
  await row().getByRole('link').click();
  await page.getByText(/^Process$/).waitFor();
  await expect.poll(() => page.locator('dt:text-is("Process") + dd').innerText()).toContain('ffmpeg');
  await browser.picture('processes-job');
});

it('asks before it ends one, with the keyboard alone, and says how that went', async () => {
  const { page } = browser;
  await page.goto(`${system.baseUrl}/nodes`);
  const end = row().getByRole('button', { name: /^End process \d+, Re-encode/ });
  await end.press('Enter');
  const dialog = page.getByRole('dialog', { name: /^End process \d+\?$/ });
  await dialog.waitFor();
  await browser.picture('processes-dialog');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  expect(await end.evaluate((button) => button === document.activeElement)).toBe(true);
  expect((await client.job(jobId)).status).toBe('running');

  await end.press('Enter');
  await dialog.getByLabel(/^Reason/).fill('too loud');
  await page.keyboard.press('Enter');
  // On a busy machine the answer comes before the end, and says so.
  await page.getByText(/^Process \d+ (ended \(.*\); the job( failed|’s end is on its way)|is still ending.*)$/).waitFor();
  await row().waitFor({ state: 'detached' });
  await browser.picture('processes-ended');
  await expect.poll(async () => (await client.job(jobId)).status, { timeout: 20_000 }).toBe('failed');
  const job = await client.job(jobId);
  expect(job).toMatchObject({ status: 'failed', errorCode: 'killed_by_hand', errorMessage: 'Ended by hand by admin: too loud.', retryCount: 0 });
  expect(job.log).toContain('--- JOB ENDED BY HAND ---');
  expect(await system.workers()).toEqual([]);
  await page.goto(`${system.baseUrl}/jobs/${jobId}`);
  await page.getByText(/Process ended/).waitFor();
});

it('shows what is encoded for viewers, and ends it when asked', async () => {
  const { page } = browser;
  const { ladderUrl } = await client.ok<Playback>('GET', `/api/media/videos/${videoId}/playback`);
  const segment = new URL('h240/7.m4s', new URL(ladderUrl ?? '', system.baseUrl));
  expect((await page.request.get(segment.href)).status()).toBe(200);
  await page.goto(`${system.baseUrl}/nodes`);
  const stream = page.getByRole('list', { name: 'Streams', exact: true }).getByRole('listitem').filter({ has: page.getByRole('link', { name: 'Long walk' }) });
  await stream.getByText(/^1 viewer on local, libx264; up .* made/).waitFor();
  await stream.getByText(/^240p from 0:14, now at /).waitFor();
  await browser.picture('streams');
  await stream.getByRole('button', { name: 'End the stream of Long walk' }).click();
  const dialog = page.getByRole('dialog', { name: 'End this stream?' });
  await dialog.getByLabel('Reason').fill('enough');
  await dialog.getByRole('button', { name: 'End stream' }).click();
  await page.getByText('The stream of “Long walk” has ended').waitFor();
  await stream.waitFor({ state: 'detached' });
  await expect.poll(() => system.workers()).toEqual([]);
});

it('asks again and again, and no more once the page is left', async () => {
  const { page } = browser;
  let asked = 0;
  page.on('request', (request) => {
    if (request.url().endsWith('/processes')) asked += 1;
  });
  await page.clock.install();
  await page.goto(`${system.baseUrl}/nodes`);
  await page.getByText('Waiting for a job').waitFor();
  await page.clock.runFor(3_500);
  await expect.poll(() => asked).toBeGreaterThanOrEqual(2);
  await page.getByRole('link', { name: 'Library', exact: true }).click();
  await page.getByRole('heading', { name: 'Library' }).waitFor();
  const before = asked;
  await page.clock.runFor(30_000);
  expect(asked).toBe(before);
  expect(browser.complaints).toEqual([]);
});
