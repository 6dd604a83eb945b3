// Finds each program: the variable that names it, then PATH, then the cache, else fetched into the cache.
// Every find is tried out before it counts.
import { accessSync, constants } from 'node:fs';
import { rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { PackageFetcher } from './apt.mjs';
import { newTempFolder, publishFolder, removeEntry, toolsFolder } from './cache.mjs';
import { StartError } from './errors.mjs';

/** @typedef {import('./catalogue.mjs').Tool} Tool */
/** @typedef {{ repoRoot: string, env: NodeJS.ProcessEnv, say: (line: string) => void }} Place */

/** System folders that an ordinary user's PATH often lacks. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];
const PROGRESS_STEPS = 8;

/**
 * Finds or fetches the programs and returns the variables that name them.
 * @param {readonly Tool[]} tools
 * @param {Place} place
 * @returns {Promise<Record<string, string>>}
 * @throws {StartError} with one sentence on what to do
 */
export async function ensureTools(tools, place) {
  const folder = toolsFolder(place.repoRoot, place.env);
  const found = await Promise.all(tools.map(async (tool) => ({ tool, paths: await findTool(tool, folder, place.env) })));
  const missing = found.filter((entry) => entry.paths === null).map((entry) => entry.tool);
  const fetched = missing.length === 0 ? new Map() : await fetchTools(missing, folder, place);
  const variables = /** @type {Record<string, string>} */ ({});
  for (const { tool, paths } of found) {
    for (const [index, variable] of tool.env.entries()) variables[variable] = (paths ?? fetched.get(tool.name))[index];
  }
  return variables;
}

/**
 * @param {Tool} tool
 * @param {string} folder
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<readonly string[] | null>}
 */
async function findTool(tool, folder, env) {
  const inPath = tool.programs.map((names) => searchPath(names, env['PATH'] ?? ''));
  const named = tool.env.map((variable) => env[variable] || null);
  if (named.some((path) => path !== null)) {
    const paths = named.map((path, index) => path ?? inPath[index] ?? tool.programs[index]?.[0] ?? '');
    const problem = await tool.test(paths);
    if (problem === null) return paths;
    throw new StartError('TOOL_BROKEN', `${tool.env.map((name, index) => `${name}=${paths[index]}`).join(' ')} does not work: ${problem}.`);
  }
  if (isComplete(inPath) && (await tool.test(inPath)) === null) return inPath;
  const cached = cachedPaths(tool, folder);
  if (!cached.every(isExecutable)) return null;
  if ((await tool.test(cached)) === null) return cached;
  await removeEntry(folder, join(folder, tool.name));
  return null;
}

/**
 * @param {readonly Tool[]} tools
 * @param {string} folder
 * @param {Place} place
 * @returns {Promise<Map<string, readonly string[]>>}
 */
async function fetchTools(tools, folder, place) {
  const fetched = new Map();
  const temp = await newTempFolder(folder);
  const fetcher = new PackageFetcher(temp, place.env);
  try {
    place.say(`Reading the system's package lists, to fetch ${tools.map((tool) => tool.title).join(' and ')}`);
    for (const tool of tools) {
      const root = join(temp, tool.name);
      const finalRoot = join(folder, tool.name);
      await fetcher.fetch(tool.packages, root, { alone: tool.alone, skip: tool.skip, onProgress: progressLines(tool, place.say) });
      await tool.finish(root, finalRoot);
      await publishFolder(root, finalRoot);
      const paths = cachedPaths(tool, folder);
      const problem = await tool.test(paths);
      if (problem !== null) {
        await removeEntry(folder, finalRoot);
        throw new StartError('TOOL_BROKEN', `the fetched programs do not run (${problem})`);
      }
      fetched.set(tool.name, paths);
    }
    return fetched;
  } catch (error) {
    const waiting = tools.filter((tool) => !fetched.has(tool.name));
    const why = error instanceof Error ? error.message : String(error);
    throw new StartError(
      'TOOL_MISSING',
      `${waiting.map((tool) => tool.title).join(' and ')} not found, and fetching failed: ${why}. ${waiting.map((tool) => tool.advice).join(' ')}`,
      { cause: error },
    );
  } finally {
    await rm(temp, { recursive: true, force: true });
  }
}

/**
 * @param {Tool} tool
 * @param {(line: string) => void} say
 */
function progressLines(tool, say) {
  let shown = 0;
  return (/** @type {number} */ done, /** @type {number} */ total) => {
    const step = Math.floor((done / total) * PROGRESS_STEPS);
    if (step === shown) return;
    shown = step;
    say(total === 1 ? `Fetched ${tool.title}` : `Fetching ${tool.title} and its libraries: ${done} of ${total} packages`);
  };
}

/**
 * @param {Tool} tool
 * @param {string} folder
 */
function cachedPaths(tool, folder) {
  return tool.programs.map((names) => join(folder, tool.name, 'private-bin', names[0] ?? ''));
}

/**
 * @param {readonly string[]} names
 * @param {string} path
 */
function searchPath(names, path) {
  for (const name of names) {
    for (const folder of [...path.split(delimiter), ...SYSTEM_FOLDERS]) {
      if (folder !== '' && isExecutable(join(folder, name))) return join(folder, name);
    }
  }
  return null;
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {readonly (string | null)[]} paths
 * @returns {paths is readonly string[]}
 */
function isComplete(paths) {
  return paths.every((path) => path !== null);
}
