/** npm start whose npm is killed at moments when the program does not know of it yet. */
import { chmodSync, mkdtempSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pause, untilEmpty } from '../kit/eventually.ts';
import { processesOf } from '../kit/processes.ts';
import { LauncherRun } from '../long/torture/launcher-run.ts';

const repoRoot = dirname(dirname(import.meta.dirname));
const GONE_MS = 15_000;
let base: string;

beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'reelay-npm-'));
  // As root, Postgres runs as another user and must get to its folder.
  chmodSync(base, 0o755);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

it.each([
  ['has just begun', /^(sh -c )?node \S*launcher\/start\.mjs/],
  ['prepares the system', /nats-server/],
])('nothing is left when npm is killed while its program %s', async (what, running) => {
  const dataDir = join(base, what, 'data');
  mkdirSync(dataDir, { recursive: true });
  const run = new LauncherRun({ repoRoot, dataDir, libraryRoot: join(base, what, 'library') }, true);
  while (!processesOf(dataDir).some(({ command }) => running.test(command))) await pause(1);
  run.signal('SIGKILL', 'first');
  await run.ended;
  expect(await untilEmpty(() => processesOf(dataDir), GONE_MS)).toEqual([]);
  expect(run.output).not.toContain('is ready');
});
