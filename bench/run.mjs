// npm run bench [-- [rounds] [names…]]: benchmarks on one real system; a table on stderr, JSON on stdout.
import { loadavg } from 'node:os';
import { benchColdOpens } from './cold-opens.mjs';
import { benchFirstFrame } from './first-frame.mjs';
import { benchFirstSegment } from './first-segment.mjs';
import { benchHotSegments, sayHot } from './hot-segments.mjs';
import { benchJobs } from './jobs.mjs';
import { benchLiveFilm } from './live-film.mjs';
import { benchSegments } from './segments.mjs';
import { startSystem } from './system.mjs';

/** Each gives rows: a promise, our times, those of a peer or a floor in the same run, and the limit. */
const BENCHMARKS = {
  jobs: benchJobs,
  segments: benchSegments,
  'cold-opens': benchColdOpens,
  'first-segment': (/** @type {import('./system.mjs').BenchSystem} */ system, /** @type {number} */ rounds) => benchFirstSegment(system, Math.ceil(rounds / 4)),
  'live-film': (/** @type {import('./system.mjs').BenchSystem} */ system, /** @type {number} */ rounds) => benchLiveFilm(system, Math.ceil(rounds / 4)),
  'hot-segments': (/** @type {import('./system.mjs').BenchSystem} */ system, /** @type {number} */ rounds) => benchHotSegments(system, Math.ceil(rounds / 4)),
  'first-frame': (/** @type {import('./system.mjs').BenchSystem} */ system, /** @type {number} */ rounds) => benchFirstFrame(system, Math.ceil(rounds / 4)),
};

const words = process.argv.slice(2);
const rounds = Number(words.find((word) => /^\d+$/.test(word)) ?? 20);
const names = words.filter((word) => !/^\d+$/.test(word));
for (const name of names) if (!Object.hasOwn(BENCHMARKS, name)) throw new Error(`there is no benchmark ${name}; there are: ${Object.keys(BENCHMARKS).join(', ')}`);
const chosen = Object.entries(BENCHMARKS).filter(([name]) => names.length === 0 || names.includes(name));

const loadBefore = loadavg()[0] ?? 0;
const system = await startSystem();
try {
  const rows = [];
  for (const [, bench] of chosen) rows.push(...(await bench(system, rounds)));
  console.error(`load before ${loadBefore.toFixed(1)}, ready after ${Math.round(system.readyMs)} ms`);
  for (const row of rows) {
    if ('goal' in row) {
      console.error(sayHot(row));
      continue;
    }
    console.error(`${row.promise.padEnd(48)} p50 ${row.p50Ms.toFixed(0).padStart(5)} ms  p95 ${row.p95Ms.toFixed(0).padStart(5)} ms  floor/peer ${row.floorP50Ms.toFixed(0).padStart(5)} ms  ratio ${row.ratio.toFixed(2)}  limit ${row.limitMs} ms`);
  }
  console.log(JSON.stringify({ rounds, loadBefore, readyMs: system.readyMs, rows }, null, 2));
} finally {
  await system.stop();
}
