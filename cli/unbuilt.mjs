// What reelay can do in a clone that is not built yet: node:* imports only.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { lookAround } from './unbuilt-doctor.mjs';

/** These run the whole of it, so they build it first; nobody waits minutes for the others unasked. */
const BUILDS = new Set(['start', 'gateway', 'scheduler', 'agent']);
const EXIT = { failure: 1 };

const HELP = `Usage: reelay [options] [command]

This clone is not built yet. Until it is, reelay knows

  start      install what is missing, build, and run the whole system
  doctor     look at this machine
  help       print this help

npm run build (after npm ci) builds it without starting it.
`;

/**
 * Does what can be done, or builds.
 * @param {string} root
 * @param {readonly string[]} argv
 * @returns {Promise<boolean>} true when the command can now be loaded
 */
export async function prepare(root, argv) {
  const command = argv.find((word) => !word.startsWith('-'));
  if (command !== undefined && BUILDS.has(command) && !argv.includes('--help') && !argv.includes('-h')) return build(root);
  if (command === 'doctor') process.exitCode = await lookAround(root, argv.includes('--json'));
  else if (command === undefined || command === 'help' || argv.includes('--help') || argv.includes('-h')) process.stdout.write(HELP);
  else {
    say('reelay: this clone is not built yet; reelay start does it, or npm ci and npm run build');
    process.exitCode = EXIT.failure;
  }
  return false;
}

/** @param {string} line */
const say = (line) => void process.stderr.write(`${line}\n`);

/** @param {string} root */
async function build(root) {
  const load = (/** @type {string} */ name) => import(pathToFileURL(join(root, 'launcher', name)).href);
  if (!existsSync(join(root, 'launcher', 'build.mjs'))) {
    say('reelay: this installation is not whole: dist/ and launcher/ are missing');
    process.exitCode = EXIT.failure;
    return false;
  }
  const [{ installPackages }, { whilePreparing }] = await Promise.all([load('install.mjs'), load('prepare-lock.mjs')]);
  try {
    await whilePreparing(root, say, async () => {
      await installPackages(root, say);
      await (await load('build.mjs')).build({ repoRoot: root, say });
    });
    return true;
  } catch (error) {
    say(`reelay: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = EXIT.failure;
    return false;
  }
}
