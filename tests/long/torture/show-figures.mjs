// node tests/long/torture/show-figures.mjs FOLDER: puts the figures of a run into docs/reliability.md, between its marks.
// FOLDER is what REELAY_TORTURE_FIGURES named when `npm run test:long` ran.
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repoRoot = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
const DOC = join(repoRoot, 'docs', 'reliability.md');
const PARTS = ['children', 'services', 'launcher'];
const BEGIN = '<!-- figures: written by tests/long/torture/show-figures.mjs -->';
const END = '<!-- end of figures -->';

/** @typedef {{ count: number, p50Ms: number, p99Ms: number, maxMs: number }} Latency */
/** @typedef {{ part: string, seed: number, date: string, tookSeconds: number, wrong: number, counts: Record<string, Record<string, number>>, latencies: Record<string, Latency> }} Figures */

/** @param {string} folder @returns {Figures[]} */
const readParts = (folder) => PARTS.map((part) => JSON.parse(readFileSync(join(folder, `${part}.json`), 'utf8')));

/** @param {readonly string[]} head @param {readonly (readonly (string | number)[])[]} rows */
const table = (head, rows) => [`| ${head.join(' | ')} |`, `|${head.map(() => '---').join('|')}|`, ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n');

/** @param {number} ms */
const duration = (ms) => (ms < 1 ? '< 1 ms' : ms >= 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms)} ms`);

/** @param {Figures[]} parts */
const show = (parts) => {
  const [first] = parts;
  const cores = availableParallelism();
  const runs = parts.map(({ part, seed, tookSeconds, wrong }) => [part, seed, `${Math.round(tookSeconds / 60)} min`, wrong]);
  const latencies = parts.flatMap(({ latencies }) => Object.entries(latencies)).map(([name, it]) => [name, it.count, duration(it.p50Ms), duration(it.p99Ms), duration(it.maxMs)]);
  const counts = parts.flatMap(({ counts }) => Object.entries(counts)).map(([group, of]) => {
    const total = Object.values(of).reduce((sum, n) => sum + n, 0);
    return [group, total, Object.entries(of).map(([name, n]) => `${name} ${n}`).join('; ')];
  });
  return [
    `Last run: ${first?.date}, ${cores} cores.`,
    table(['part', 'seed', 'took', 'left behind or told wrongly'], runs),
    table(['what was ended', 'times', 'of these'], counts),
    table(['time', 'measured', 'p50', 'p99', 'longest'], latencies),
  ].join('\n\n');
};

const folder = process.argv[2];
if (folder === undefined) {
  console.error('usage: node tests/long/torture/show-figures.mjs FOLDER');
  process.exit(1);
}
const doc = readFileSync(DOC, 'utf8');
const [before, rest] = doc.split(BEGIN);
const after = rest?.split(END)[1];
if (before === undefined || after === undefined) {
  console.error(`${DOC} has no place for the figures`);
  process.exit(1);
}
writeFileSync(DOC, `${before}${BEGIN}\n\n${show(readParts(folder))}\n\n${END}${after}`);
