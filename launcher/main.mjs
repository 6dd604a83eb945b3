// What npm start does: packages and programs at the same time, then the build, then the system.
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from './build.mjs';
import { installPackages } from './install.mjs';
import { whilePreparing } from './prepare-lock.mjs';
import { FFMPEG, NATS_SERVER } from './tools/catalogue.mjs';
import { StartError } from './tools/errors.mjs';
import { ensureTools } from './tools/find.mjs';
import { killHelpers } from './tools/run.mjs';

const repoRoot = dirname(dirname(fileURLToPath(import.meta.url)));
const say = (/** @type {string} */ line) => console.log(line);

/** @param {NodeJS.Signals} signal */
function interrupted(signal) {
  killHelpers();
  process.exit(signal === 'SIGINT' ? 130 : 143);
}

/** Installs and builds what is missing, then runs the system until it is stopped. */
export async function start() {
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    const tools = await prepare();
    const bundle = /** @type {{ runSystem: (options: { repoRoot: string, tools: Record<string, string> }) => Promise<void> }} */ (
      await import(pathToFileURL(join(repoRoot, 'dist', 'launcher.js')).href)
    );
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    await bundle.runSystem({ repoRoot, tools });
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
