// What npm start does: packages and programs at the same time, then the build, then the system.
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from './build.mjs';
import { installPackages } from './install.mjs';
import { findNpm, NPM_POLL_MS, npmIsGone } from './npm-parent.mjs';
import { whilePreparing } from './prepare-lock.mjs';
import { FFMPEG, NATS_SERVER } from './tools/catalogue.mjs';
import { StartError } from './tools/errors.mjs';
import { ensureTools } from './tools/find.mjs';
import { killHelpers } from './tools/run.mjs';

const repoRoot = dirname(dirname(fileURLToPath(import.meta.url)));
const say = (/** @type {string} */ line) => console.log(line);

/** What ends a start that has nothing to stop yet. */
const ENDING = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']);

/** @param {NodeJS.Signals} signal */
function interrupted(signal) {
  killHelpers();
  process.exit(128 + (constants.signals[signal] ?? 0));
}

/** @returns {never} */
function withoutNpm() {
  killHelpers();
  console.error('npm start ended');
  process.exit(1);
}

/** Installs and builds what is missing, then runs the system until it is stopped. */
export async function start() {
  const npm = findNpm(process.env);
  if (npm === 'gone') withoutNpm();
  for (const signal of ENDING) process.once(signal, interrupted);
  const watch = setInterval(() => npm !== null && npmIsGone(npm) && withoutNpm(), NPM_POLL_MS);
  try {
    const tools = await prepare();
    const bundle = /** @type {{ runSystem: (options: import('./src/main.ts').RunOptions) => Promise<void> }} */ (
      await import(pathToFileURL(join(repoRoot, 'dist', 'launcher.js')).href)
    );
    // It listens to signals when the call returns: one that came while the bundle was read is still waiting to be told,
    // and would be lost if for a moment nobody listened.
    const running = bundle.runSystem({ repoRoot, tools, npm });
    clearInterval(watch);
    for (const signal of ENDING) process.off(signal, interrupted);
    await running;
  } catch (error) {
    killHelpers();
    console.error(error instanceof StartError ? error.message : error);
    process.exit(1);
  }
}

/** @returns {Promise<Record<string, string>>} variables that name the programs */
function prepare() {
  return whilePreparing(repoRoot, say, async () => {
    const wanted = process.env['NATS_URL'] ? [FFMPEG] : [NATS_SERVER, FFMPEG];
    const built = installPackages(repoRoot, say).then(() => build({ repoRoot, say }));
    const [tools] = await Promise.all([ensureTools(wanted, { repoRoot, env: process.env, say }), built]);
    return tools;
  });
}
