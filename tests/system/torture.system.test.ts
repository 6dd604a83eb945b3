/** A slice of the torture of tests/long/torture, always the same cases: children, parents that die, services. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stopTestServer } from '@reelay/store/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SERVICES } from '../../launcher/src/programs.ts';
import { tortureChildren } from '../long/torture/child-torture.ts';
import { prepareDriver, type PreparedDriver } from '../long/torture/driver-process.ts';
import { Figures } from '../long/torture/figures.ts';
import { tortureParents } from '../long/torture/parent-torture.ts';
import { casesOf, randomOf } from '../long/torture/plan.ts';
import { openScene, playServiceCase } from '../long/torture/service-case.ts';
import { drawServiceCase } from '../long/torture/service-endings.ts';
import { Stage } from '../long/torture/stage.ts';

const dist = join(dirname(dirname(import.meta.dirname)), 'dist');
const figures = new Figures();
let base: string;
let prepared: PreparedDriver;

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'reelay-torture-'));
  prepared = await prepareDriver(base);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

it('children end in every way, told once, and leave nothing', async () => {
  expect(await tortureChildren(base, prepared, casesOf('children', 54, 1), figures)).toEqual([]);
});

it('children end with a parent that ends in any way', async () => {
  expect(await tortureParents(base, prepared, casesOf('parents', 10, 1), figures)).toEqual([]);
});

it('services end in any way and start again at once', async () => {
  const folder = join(base, 'stage');
  const stage = await Stage.open(folder, dist);
  try {
    const scene = await openScene(stage, folder);
    const wrong: string[] = [];
    for (const service of SERVICES) for (const id of casesOf(service, 2, 1)) wrong.push(...(await playServiceCase(scene, drawServiceCase(randomOf(id), id, service), figures)));
    expect(wrong).toEqual([]);
  } finally {
    await stage.close();
    await stopTestServer();
  }
});
