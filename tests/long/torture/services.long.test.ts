/** Hundreds of ends of each service, in every way, at each phase of its life, on real Postgres and NATS; `npm run test:long`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stopTestServer } from '@reelay/store/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SERVICES } from '../../../launcher/src/programs.ts';
import { Figures } from './figures.ts';
import { casesOf, inLanes, randomOf, SEED } from './plan.ts';
import { openScene, playServiceCase, type Scene } from './service-case.ts';
import { drawServiceCase } from './service-endings.ts';
import { Stage } from './stage.ts';

const LANES = 2;
const dist = join(dirname(dirname(dirname(import.meta.dirname))), 'dist');
let base: string;
let scenes: Scene[];
const figures = new Figures();
const startedMs = performance.now();

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'reelay-services-'));
  scenes = await Promise.all(Array.from({ length: LANES }, async (_, lane) => {
    const folder = join(base, `lane-${lane}`);
    return openScene(await Stage.open(folder, dist), folder);
  }));
}, 300_000);
afterAll(async () => {
  figures.write('services', SEED, performance.now() - startedMs);
  await Promise.all(scenes.map(({ stage }) => stage.close()));
  await stopTestServer();
  rmSync(base, { recursive: true, force: true });
}, 120_000);

it.each(SERVICES)('%s ends in every way, says how, leaves nothing, and starts again at once', async (service) => {
  const wrong = await inLanes(LANES, casesOf(service, 210), (id, lane) => {
    const scene = scenes[lane];
    return scene === undefined ? Promise.resolve([]) : playServiceCase(scene, drawServiceCase(randomOf(id), id, service), figures);
  });
  expect(figures.found(wrong), `REELAY_TORTURE_SEED=${SEED}`).toEqual([]);
}, 3_600_000);
