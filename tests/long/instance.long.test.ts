/** Two instances started at the same instant, 500 times: exactly one runs each time. The bare lock, and each built service. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { build } from '../../launcher/build.mjs';
import { buildContender, Contender, lockRound } from '../../runtime/src/test-support/contenders.ts';
import { raceStarts } from '../kit/start-race.ts';

const ROUNDS = Number(process.env['REELAY_RACE_ROUNDS'] ?? 500);
let folder: string;
let program: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-races-'));
  program = join(folder, 'contender.cjs');
  await Promise.all([buildContender(program), build({ repoRoot: resolve(import.meta.dirname, '../..'), say: () => {} })]);
});
afterAll(() => rm(folder, { recursive: true }));

it(`the lock alone, ${ROUNDS} rounds of eight`, async () => {
  const contenders = Array.from({ length: 8 }, () => new Contender(program));
  await Promise.all(contenders.map((contender) => contender.untilUp()));
  const wrong: unknown[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const pids = contenders.map(({ pid }) => pid);
    const outcomes = await lockRound(contenders, join(folder, 'locked'), program, round % 5 === 4);
    const winners = outcomes.flatMap(({ won }, index) => (won ? [pids[index]] : []));
    if (winners.length !== 1 || outcomes.some(({ won, pid }) => !won && pid !== winners[0])) wrong.push({ round, outcomes });
  }
  await Promise.all(contenders.map((contender) => contender.kill()));
  expect(wrong).toEqual([]);
}, 1_200_000);

it.each(['gateway', 'scheduler', 'node-agent'] as const)(`%s, ${ROUNDS} rounds of two`, async (name) => {
  expect(await raceStarts(name, ROUNDS)).toEqual([]);
}, 3_600_000);
