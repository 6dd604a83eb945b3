/** The main job as a person does it, in Chromium: upload, see it checked, play, seek, re-encode, watch, play the result; cancel. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSystem, type System } from '../kit/system.ts';
import { Client } from '../system/client.ts';
import { makeClip } from '../system/clips.ts';
import { openBrowser, playedPast, seekTo, startPlaying, type TestBrowser } from './browser.ts';

let system: System;
let browser: TestBrowser;
let folder: string;
let clip: string;
let client: Client;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-e2e-'));
  [system, clip] = await Promise.all([startSystem(), makeClip(join(folder, 'Holiday film.mkv'), { seconds: 24, size: '640x360' })]);
  client = new Client(system.baseUrl);
  await client.login('admin', system.adminPassword);
  browser = await openBrowser();
});
afterAll(async () => {
  await browser.close();
  await rm(folder, { recursive: true, force: true });
  await system.stop();
});

/** The badge beside the heading of a job's page. */
const statusShown = (word: string): Locator => browser.page.locator('.page-head .badge').filter({ hasText: word });

describe('the main job', () => {
  it('signs in, refusing a wrong password in one sentence', async () => {
    const { page } = browser;
    await page.goto(system.baseUrl);
    await page.getByLabel('User name').fill('admin');
    await page.getByLabel('Password').fill('not this');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('The user name or the password is wrong.').waitFor();
    await page.getByLabel('Password').fill(system.adminPassword);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Library' }).waitFor();
    // The browser itself reports the refused sign-in as an error.
    browser.complaints.length = 0;
  });

  it('uploads a Matroska file and sees it validated, with a picture', async () => {
    const { page } = browser;
    await page.getByLabel('Files to upload').setInputFiles(clip);
    const card = page.getByRole('listitem').filter({ hasText: 'Holiday film' }).filter({ has: page.getByRole('link', { name: /^Play/ }) });
    await card.waitFor();
    await card.locator('img').waitFor();
    await expect.poll(() => card.getByText('Being validated').count()).toBe(0);
    await card.getByText('0:24').waitFor();
    await browser.picture('library');
  });

  it('plays it without a transcode, and seeks', async () => {
    const { page } = browser;
    await page.getByRole('link', { name: 'Play Holiday film' }).first().click();
    await page.locator('video').waitFor();
    await startPlaying(page);
    await playedPast(page, 1);
    await seekTo(page, 18);
    await playedPast(page, 18.5);
    await seekTo(page, 3);
    await playedPast(page, 3.5);
    const audioBytes = await page.evaluate(() => (document.querySelector('video') as HTMLVideoElement & { webkitAudioDecodedByteCount: number }).webkitAudioDecodedByteCount);
    expect(audioBytes).toBeGreaterThan(0);
    await browser.picture('player');
  });

  it('starts a re-encode from the player, watches it complete, and plays the result', async () => {
    const { page } = browser;
    await page.getByRole('button', { name: /^Actions on/ }).click();
    await page.getByRole('menuitem', { name: 'Re-encode for Streaming' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: /^(Create|Start|Re-encode)/ }).click();
    await page.waitForURL(/\/jobs/);
    await page.getByRole('row').filter({ hasText: 'Re-encode for Streaming' }).waitFor();
    const { data } = await client.jobs('?type=reencode_streaming');
    const job = data[0];
    if (job === undefined) throw new Error('no job was created');
    await page.goto(`${system.baseUrl}/jobs/${job.id}`);
    await statusShown('Completed').waitFor({ timeout: 120_000 });
    await page.getByText('Re-encode completed successfully').waitFor();
    await browser.picture('job');
    const copies = await client.ok<{ data: { id: string; sourceVideoId: string | null }[] }>('GET', '/api/media/videos?location=playback');
    const copy = copies.data[0];
    if (copy === undefined) throw new Error('the encoded video has no record');
    await client.untilVideo(copy.id, (video) => video.valid === true);
    await page.goto(`${system.baseUrl}/videos/${copy.id}`);
    await page.locator('video').waitFor();
    await startPlaying(page);
    await playedPast(page, 1);
    await seekTo(page, 20);
    await playedPast(page, 20.2);
  });

  it('cancels a running re-encode and leaves no ffmpeg', async () => {
    const { page } = browser;
    const { data } = await client.ok<{ data: { id: string }[] }>('GET', '/api/media/videos?location=inbox');
    const { id } = await client.ok<{ id: string }>('POST', '/api/media/jobs/reencode', { videoId: data[0]?.id, preset: 'veryslow' });
    await page.goto(`${system.baseUrl}/jobs`);
    await client.until('progress', async () => ((await client.job(id)).progress > 0 ? true : undefined));
    await browser.picture('queue');
    await page.goto(`${system.baseUrl}/jobs/${id}`);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('dialog').getByRole('button', { name: /^Cancel/ }).click();
    await statusShown('Cancelled').waitFor();
    expect((await client.job(id)).status).toBe('cancelled');
    // The file made before may still get its pictures.
    expect((await system.workers()).filter(({ command }) => command.includes('veryslow'))).toEqual([]);
  });

  it('showed no error on the way', () => {
    expect(browser.complaints).toEqual([]);
  });
});
