/** An upload in Chromium through whatever comes in between: the gateway killed, the page loaded again, given up. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Video } from '@reelay/contracts';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { startSystem, type System } from '../kit/system.ts';
import { Client } from '../system/client.ts';
import { openBrowser, type TestBrowser } from './browser.ts';

const BYTES = 12_000_000;
const BYTES_PER_SECOND = 2_000_000;

let system: System;
let browser: TestBrowser;
let client: Client;
let folder: string;
let requests: { method: string; offset: string | undefined }[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-e2e-'));
  system = await startSystem();
  client = new Client(system.baseUrl);
  await client.login('admin', system.adminPassword);
  browser = await openBrowser();
  const { page, context } = browser;
  page.on('request', (request) => {
    if (request.url().includes('/api/media/uploads')) requests.push({ method: request.method(), offset: request.headers()['upload-offset'] });
  });
  // Leaving a page with an upload asks first.
  page.on('dialog', (dialog) => void dialog.accept());
  const network = await context.newCDPSession(page);
  await network.send('Network.enable');
  await network.send('Network.emulateNetworkConditions', { offline: false, latency: 5, downloadThroughput: -1, uploadThroughput: BYTES_PER_SECOND });
  await page.goto(system.baseUrl);
  await page.getByLabel('User name').fill('admin');
  await page.getByLabel('Password').fill(system.adminPassword);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Library' }).waitFor();
});
beforeEach(() => {
  requests = [];
});
afterAll(async () => {
  await browser.close();
  await rm(folder, { recursive: true, force: true });
  await system.stop();
});

const makeFile = async (name: string): Promise<{ path: string; sha256: string }> => {
  const content = randomBytes(BYTES);
  await writeFile(join(folder, name), content);
  return { path: join(folder, name), sha256: createHash('sha256').update(content).digest('hex') };
};
const choose = (path: string): Promise<void> => browser.page.getByLabel('Files to upload').setInputFiles(path);
const kept = async (): Promise<string[]> => readdir(join(system.libraryRoot, 'inbox/.uploads')).catch(() => []);
const arrivedBytes = async (): Promise<number> => {
  const part = (await kept()).find((name) => !name.includes('.'));
  return part === undefined ? 0 : (await readFile(join(system.libraryRoot, 'inbox/.uploads', part))).length;
};
const inLibrary = async (name: string): Promise<{ count: number; sha256: string }> => {
  const { data } = await client.ok<{ data: Video[] }>('GET', '/api/media/videos?limit=100');
  const found = data.filter(({ filename }) => filename.startsWith(name.slice(0, -4)));
  const content = await readFile(join(system.libraryRoot, found[0]?.path ?? ''));
  return { count: found.length, sha256: createHash('sha256').update(content).digest('hex') };
};
const uploaded = (name: string) => browser.page.getByRole('listitem').filter({ has: browser.page.getByRole('link', { name }) }).filter({ hasText: /Uploaded|Not playable|Ready/ });

it('goes on by itself when the gateway is killed in the middle', async () => {
  const { path, sha256 } = await makeFile('killed.mp4');
  await choose(path);
  await expect.poll(arrivedBytes, { timeout: 30_000 }).toBeGreaterThan(3_000_000);
  await system.kill('gateway', 'SIGKILL');
  await browser.page.getByText('waiting for the connection').waitFor();
  await uploaded('killed.mp4').first().waitFor({ timeout: 60_000 });
  expect(await inLibrary('killed.mp4')).toEqual({ count: 1, sha256 });
  const asked = requests.findIndex(({ method }) => method === 'HEAD');
  expect(requests.slice(asked).some(({ method, offset }) => method === 'PATCH' && Number(offset) > 3_000_000)).toBe(true);
  expect(requests.filter(({ method }) => method === 'POST')).toHaveLength(1);
});

it('goes on after the page was loaded again, when the same file is chosen', async () => {
  const { path, sha256 } = await makeFile('reloaded.mp4');
  await choose(path);
  await expect.poll(arrivedBytes, { timeout: 30_000 }).toBeGreaterThan(3_000_000);
  await browser.page.reload();
  await browser.page.getByRole('heading', { name: 'Library' }).waitFor();
  requests = [];
  await choose(path);
  await uploaded('reloaded.mp4').first().waitFor({ timeout: 60_000 });
  expect(await inLibrary('reloaded.mp4')).toEqual({ count: 1, sha256 });
  expect(requests[0]?.method).toBe('HEAD');
  expect(Number(requests[1]?.offset)).toBeGreaterThan(2_000_000);
});

it('given up: nothing stays, neither here nor there', async () => {
  const { path } = await makeFile('given up.mp4');
  await choose(path);
  await expect.poll(arrivedBytes, { timeout: 30_000 }).toBeGreaterThan(1_000_000);
  await browser.page.getByRole('button', { name: 'Cancel the upload of given up.mp4' }).click();
  await expect.poll(kept, { timeout: 20_000 }).toEqual([]);
  requests = [];
  await choose(path);
  await expect.poll(() => requests[0]?.method).toBe('POST');
  await browser.page.getByRole('button', { name: 'Cancel the upload of given up.mp4' }).click();
});
