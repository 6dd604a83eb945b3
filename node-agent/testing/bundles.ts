import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const sources = fileURLToPath(new URL('../src/', import.meta.url));
const COMMONJS = 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);';

export interface Bundles {
  agent: string;
  jobProcess: string;
}

/** Bundles the agent and its job process into a folder, as the launcher does. */
export async function bundleAgent(folder: string): Promise<Bundles> {
  await build({
    entryPoints: { agent: join(sources, 'main.ts'), 'job-process': join(sources, 'job-process.ts') },
    outdir: folder, outExtension: { '.js': '.mjs' }, bundle: true, platform: 'node', format: 'esm', target: 'node20', banner: { js: COMMONJS }, logLevel: 'warning',
  });
  return { agent: join(folder, 'agent.mjs'), jobProcess: join(folder, 'job-process.mjs') };
}
