/** Thousands of children, started and ended in every way; `npm run test:long`. See docs/reliability.md for what it found. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tortureChildren } from './child-torture.ts';
import { prepareDriver, type PreparedDriver } from './driver-process.ts';
import { Figures } from './figures.ts';
import { tortureParents } from './parent-torture.ts';
import { casesOf, SEED } from './plan.ts';

let base: string;
let prepared: PreparedDriver;
const figures = new Figures();
const startedMs = performance.now();

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'reelay-torture-'));
  prepared = await prepareDriver(base);
});
afterAll(() => {
  figures.write('children', SEED, performance.now() - startedMs);
  rmSync(base, { recursive: true, force: true });
});

it('children of a living parent leave nothing behind, and each end is told once with its cause', async () => {
  expect(figures.found(await tortureChildren(base, prepared, casesOf('children', 2_000), figures)), `REELAY_TORTURE_SEED=${SEED}`).toEqual([]);
}, 3_600_000);

it('children of a parent that ends in any way end with it', async () => {
  expect(figures.found(await tortureParents(base, prepared, casesOf('parents', 300), figures)), `REELAY_TORTURE_SEED=${SEED}`).toEqual([]);
}, 3_600_000);
