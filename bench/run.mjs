// npm run bench [-- rounds]: every benchmark on one real system; a table on stderr, JSON on stdout.
import { benchJobs } from './jobs.mjs';
import { benchSegments } from './segments.mjs';
import { startSystem } from './system.mjs';

const rounds = Number(process.argv[2] ?? 20);
const system = await startSystem();
try {
  const rows = [...(await benchJobs(system, rounds)), ...(await benchSegments(system, rounds))];
  console.error(`ready after ${Math.round(system.readyMs)} ms`);
  for (const row of rows) {
    console.error(`${row.promise.padEnd(40)} p50 ${row.p50Ms.toFixed(0).padStart(5)} ms  p95 ${row.p95Ms.toFixed(0).padStart(5)} ms  floor/peer ${row.floorP50Ms.toFixed(0).padStart(5)} ms  ratio ${row.ratio.toFixed(2)}  limit ${row.limitMs} ms`);
  }
  console.log(JSON.stringify({ rounds, readyMs: system.readyMs, rows }, null, 2));
} finally {
  await system.stop();
}
