/** Many ends of `npm start` with all that it starts, Postgres and NATS included; `npm run test:long`. */
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Figures } from './figures.ts';
import { playLauncherCase, startsAgain } from './launcher-case.ts';
import { drawLauncherCase } from './launcher-endings.ts';
import type { LauncherPlace } from './launcher-run.ts';
import { casesOf, inLanes, randomOf, SEED } from './plan.ts';

const LANES = 2;
const repoRoot = dirname(dirname(dirname(import.meta.dirname)));
let base: string;
const figures = new Figures();
const startedMs = performance.now();

beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'reelay-launcher-'));
  // As root, Postgres runs as another user and must get to its folder.
  chmodSync(base, 0o755);
});
afterAll(() => {
  figures.write('launcher', SEED, performance.now() - startedMs);
  rmSync(base, { recursive: true, force: true });
});

const placeAt = (name: string): LauncherPlace => {
  const folder = join(base, name);
  mkdirSync(folder, { recursive: true });
  return { repoRoot, dataDir: join(folder, 'data'), libraryRoot: join(folder, 'library root') };
};

/** A clone whose packages npm is still installing, with helpers of its own, when the signal comes. */
const placeWithoutPackages = (): LauncherPlace => {
  const place = placeAt('without packages');
  const clone = join(base, 'without packages', 'clone');
  mkdirSync(place.dataDir, { recursive: true });
  cpSync(join(repoRoot, 'launcher'), join(clone, 'launcher'), { recursive: true, filter: (path) => !/\/(src|node_modules)(\/|$)/.test(path) });
  for (const name of ['package.json', 'package-lock.json']) cpSync(join(repoRoot, name), join(clone, name));
  const npm = join(clone, 'npm-cli.js');
  writeFileSync(npm, "require('node:child_process').execFileSync('sh', ['-c', 'sleep 600 & sleep 600']);\n");
  return { ...place, repoRoot: clone, env: { npm_execpath: npm } };
};

it('npm start ends in every way with all that it started, and starts again', async () => {
  const wrong = await inLanes(LANES, casesOf('launcher', 80), async (id, lane) => {
    const it = drawLauncherCase(randomOf(id), id);
    if (it.phase === 'installing') return playLauncherCase(placeWithoutPackages(), it, figures);
    if (it.phase !== 'first start') return playLauncherCase(placeAt(`lane-${lane}`), it, figures);
    const place = placeAt(id);
    const found = [...(await playLauncherCase(place, it, figures)), ...(await startsAgain(place, `after ${id}`))];
    rmSync(dirname(place.dataDir), { recursive: true, force: true });
    return found;
  });
  for (let lane = 0; lane < LANES; lane += 1) wrong.push(...(await startsAgain(placeAt(`lane-${lane}`), 'after all')));
  expect(figures.found(wrong), `REELAY_TORTURE_SEED=${SEED}`).toEqual([]);
}, 3_600_000);
