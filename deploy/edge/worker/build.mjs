// node deploy/edge/worker/build.mjs [out.js]: the edge as one module for an edge runtime.
import { join } from 'node:path';
import { build } from 'esbuild';

/** @param {string} outfile */
export const buildWorker = async (outfile) => {
  await build({
    entryPoints: [join(import.meta.dirname, 'worker.ts')], outfile, bundle: true, format: 'esm', target: 'es2022', platform: 'neutral', mainFields: ['module', 'main'], conditions: ['worker', 'import'], legalComments: 'inline',
  });
  return outfile;
};

if (process.argv[1] === import.meta.filename) process.stdout.write(`${await buildWorker(process.argv[2] ?? join(import.meta.dirname, 'dist/worker.js'))}\n`);
