/** Of two starts of the built services at the same instant exactly one runs; hundreds of rounds: npm run test:long. */
import { resolve } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { build } from '../launcher/build.mjs';
import { raceStarts } from './kit/start-race.ts';

beforeAll(async () => {
  await build({ repoRoot: resolve(import.meta.dirname, '..'), say: () => {} });
});

it.each([['gateway', 7], ['scheduler', 7], ['node-agent', 6]] as const)('%s, %d rounds', async (name, rounds) => {
  expect(await raceStarts(name, rounds)).toEqual([]);
}, 180_000);
