import { expect, test } from 'vitest';
import type { ProcKind } from '../proc-info.ts';
import { chooseVictims } from './choose-victims.ts';
import { type MemoryLevel, nextLevel, scarcest } from './memory-level.ts';

const GIB = 1_073_741_824;
const MIB = 1_048_576;

/** Levels after readings of free MiB (and waiting, in percent) of 10,000 MiB. */
function levels(readings: readonly (number | readonly [freeMb: number, stalledPercent: number])[]): MemoryLevel[] {
  let level: MemoryLevel = 'ok';
  return readings.map((reading) => {
    const [freeMb, stalledPercent] = typeof reading === 'number' ? [reading, null] : reading;
    level = nextLevel(level, { source: 'host', availableBytes: freeMb * MIB, totalBytes: 10_000 * MIB, stalledPercent });
    return level;
  });
}

test('levels rise at their bounds and fall well above them', () => {
  expect(levels([5_000, 1_201, 1_199, 1_300, 1_790, 1_801])).toEqual(['ok', 'ok', 'soft', 'soft', 'soft', 'ok']);
  expect(levels([601, 599, 700, 890, 901, 1_700, 1_801])).toEqual(['soft', 'hard', 'hard', 'hard', 'soft', 'soft', 'ok']);
  expect(levels([100, 9_000, 9_000])).toEqual(['hard', 'soft', 'ok']);
});

test('a value that swings around a bound changes nothing', () => {
  expect(new Set(levels(Array.from({ length: 20 }, (_, index) => (index % 2 ? 1_190 : 1_250))).slice(1))).toEqual(new Set(['soft']));
});

test('waiting for memory counts only where it is scarce', () => {
  expect(levels([[8_000, 95]])).toEqual(['ok']);
  expect(levels([[2_000, 19], [2_000, 25], [2_000, 15], [2_000, 5]])).toEqual(['ok', 'soft', 'soft', 'ok']);
  expect(levels([[1_100, 30], [1_100, 50], [1_100, 25], [1_100, 10]])).toEqual(['soft', 'hard', 'hard', 'soft']);
});

test('on a large host the bounds are amounts, not shares', () => {
  const found = [5, 3.9, 1.4].map((availableGb) => nextLevel('ok', { source: 'host', availableBytes: availableGb * GIB, totalBytes: 512 * GIB, stalledPercent: 0 }));
  expect(found).toEqual(['ok', 'soft', 'hard']);
});

test('the scarcest is the one nearest to its bound, not the smallest', () => {
  const host = { source: 'host', availableBytes: 3 * GIB, totalBytes: 64 * GIB } as const;
  const cgroup = { source: 'cgroup', availableBytes: 300 * MIB, totalBytes: 512 * MIB } as const;
  expect(scarcest([host, cgroup])).toBe(host);
  expect(scarcest([host, { ...cgroup, availableBytes: 40 * MIB }])?.source).toBe('cgroup');
  expect(scarcest([])).toBeNull();
});

function proc(id: string, kind: ProcKind, uptimeMs: number, state = 'running') {
  return { id, kind, uptimeMs, state };
}

test('newest batch work goes first, viewers last, services never', () => {
  const procs = [
    proc('viewer', 'interactive', 10), proc('old', 'batch', 900), proc('db', 'service', 1), proc('new', 'batch', 100), proc('probe', 'tool', 5),
    proc('ending', 'batch', 1, 'terminating'), proc('older viewer', 'interactive', 50),
  ];
  expect(chooseVictims(procs, 'hard').map(({ id }) => id)).toEqual(['new', 'old', 'probe', 'viewer', 'older viewer']);
  expect(chooseVictims(procs, 'soft')).toEqual([]);
  expect(chooseVictims(procs, 'ok')).toEqual([]);
});
