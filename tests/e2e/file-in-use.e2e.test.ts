/** A film that somebody watches, and an admin who wants to rename and delete it: by keyboard, and read out. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import type { Playback, Video } from '@reelay/contracts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startSystem, type System } from '../kit/system.ts';
import { Client } from '../system/client.ts';
import { makeClip } from '../system/clips.ts';
import { openBrowser, type TestBrowser } from './browser.ts';

let system: System;
let folder: string;
let video: Video;
let viewer: Client;
let browser: TestBrowser;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-in-use-'));
  const [started, clip] = await Promise.all([startSystem({ env: { REELAY_GATEWAY_NAME: 'front' } }), makeClip(join(folder, 'film.mkv'))]);
  system = started;
  const client = new Client(system.baseUrl);
  await client.login('admin', system.adminPassword);
  await client.ok('POST', '/api/users', { username: 'viewer', password: 'a good password', role: 'VIEWER' });
  const { body } = await client.upload(clip);
  video = await client.untilVideo(body.id, (seen) => seen.valid === true && seen.thumbnailPath !== null);
  viewer = new Client(system.baseUrl);
  await viewer.login('viewer', 'a good password');
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

const watch = async (): Promise<void> => {
  const { masterUrl } = await viewer.ok<Playback>('GET', `/api/media/videos/${video.id}/playback`);
  await viewer.ok('GET', (masterUrl ?? '').replace('master.m3u8', 'v0/0.m4s'));
};
const choose = async (item: string): Promise<void> => {
  await browser.page.goto(`${system.baseUrl}/library`);
  await browser.page.getByRole('button', { name: 'Actions on film' }).click();
  await browser.page.getByRole('menuitem', { name: item }).click();
};

it('says who watches, can be left, and renames when the viewer has gone quiet', async () => {
  const { page } = browser;
  await watch();
  await choose('Rename');
  await page.getByLabel('File name').fill('renamed.mkv');
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'The file is in use' });
  await dialog.getByRole('alert').getByText('“film” is in use: played by 1 viewer on gateway front.').waitFor();
  const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  const results = await page.evaluate(`${axe}\n;axe.run(document, { resultTypes: ['violations'] })`) as AxeResults;
  expect(results.violations.map(({ id }) => id)).toEqual([]);
  await browser.picture('file-in-use');
  expect(await dialog.getByRole('button', { name: 'Leave it' }).evaluate((button) => button === document.activeElement)).toBe(true);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  // The form is still there, with what was typed.
  expect(await page.getByLabel('File name').inputValue()).toBe('renamed.mkv');
  await page.getByRole('button', { name: 'Rename', exact: true }).click();
  await dialog.getByRole('button', { name: 'Wait' }).click();
  await dialog.getByRole('status').getByText('Waiting up to 30 s').waitFor();
  expect(await dialog.getByRole('button', { name: 'Stop waiting' }).evaluate((button) => button === document.activeElement)).toBe(true);
  // The viewer's last request was a while ago by then: nobody does anything more.
  await page.getByText('Renamed', { exact: true }).waitFor({ timeout: 60_000 });
  expect((await viewer.video(video.id)).filename).toBe('renamed.mkv');
});

it('ends the streams for a super admin, and deletes', async () => {
  const { page } = browser;
  await watch();
  await choose('Delete');
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'The file is in use' });
  await dialog.getByRole('button', { name: 'Stop playing and go on' }).click();
  await page.getByText('“film” deleted').waitFor();
  expect((await viewer.call('GET', `/api/media/videos/${video.id}`)).status).toBe(404);
  // The refusals are answers, and the browser notes each.
  expect(browser.complaints.filter((line) => !line.includes('409'))).toEqual([]);
});
