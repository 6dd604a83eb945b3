// npm test: installs what is missing, then checks, unit tests, system tests and browser tests.
// `npm test -- unit` (or system, conformance, e2e, check, long) runs one part. Ends with one line: N passed, N failed.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from '../launcher/build.mjs';
import { installPackages } from '../launcher/install.mjs';
import { whilePreparing } from '../launcher/prepare-lock.mjs';
import { CHROMIUM, FFMPEG, NATS_SERVER, NGINX } from '../launcher/tools/catalogue.mjs';
import { StartError } from '../launcher/tools/errors.mjs';
import { ensureTools } from '../launcher/tools/find.mjs';

const repoRoot = dirname(dirname(fileURLToPath(import.meta.url)));
const say = (/** @type {string} */ line) => console.log(line);
const PROJECTS = ['unit', 'system', 'conformance', 'e2e'];
/** Only when asked for by name. */
const ON_REQUEST = ['long'];
/** Unit tests wait for processes, servers and disks more than they compute: two files at a time also on two cores, where vitest takes one. */
const UNIT_WORKERS = Math.max(2, availableParallelism() - 1);

/** @param {string[]} argv @param {Record<string, string>} env @returns {Promise<number>} exit code */
const runNode = (argv, env) =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, argv, { cwd: repoRoot, env: { ...process.env, ...env }, stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });

/** @param {Record<string, string>} env @returns {Promise<boolean>} */
const check = async (env) => {
  const steps = [
    ['types', 'node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'],
    ['lint', 'node_modules/oxlint/bin/oxlint', '--type-aware', '--deny-warnings'],
    ['dead code', 'node_modules/knip/bin/knip.js'],
    ['imports', 'tests/checks/imports.mjs'],
  ];
  let clean = true;
  for (const [title, ...argv] of steps) {
    const code = await runNode(argv, env);
    say(`${code === 0 ? 'ok  ' : 'FAIL'} check: ${title}`);
    clean &&= code === 0;
  }
  return clean;
};

/** @param {string} project @param {string} folder @param {Record<string, string>} env */
const runProject = async (project, folder, env) => {
  const report = join(folder, `${project}.json`);
  say(`\n── ${project} tests`);
  const code = await runNode(['node_modules/vitest/vitest.mjs', 'run', '--project', project, ...(project === 'unit' ? [`--maxWorkers=${UNIT_WORKERS}`] : []), '--reporter=default', '--reporter=json', `--outputFile.json=${report}`], env);
  const counts = JSON.parse(await readFile(report, 'utf8').catch(() => '{}'));
  const failed = counts.numFailedTests ?? 0;
  // A file that does not load, or a failing hook, fails the run without a failed test of its own.
  return { passed: counts.numPassedTests ?? 0, failed: code !== 0 && failed === 0 ? 1 : failed, skipped: (counts.numPendingTests ?? 0) + (counts.numTodoTests ?? 0) };
};

const main = async () => {
  const wanted = process.argv.slice(2);
  const projects = wanted.length === 0 ? PROJECTS : [...PROJECTS, ...ON_REQUEST].filter((project) => wanted.includes(project));
  const needed = [
    NATS_SERVER, FFMPEG,
    ...(projects.includes('e2e') || projects.includes('conformance') ? [CHROMIUM] : []),
    ...(projects.includes('system') || projects.includes('long') ? [NGINX] : []),
  ];
  const found = await whilePreparing(repoRoot, say, async () => {
    const built = installPackages(repoRoot, say).then(() => build({ repoRoot, say }));
    const [paths] = await Promise.all([ensureTools(needed, { repoRoot, env: process.env, say }), built]);
    return paths;
  });
  // Also by their bare names: a test that makes a clip calls ffmpeg as anybody would.
  const folders = [...new Set(Object.values(found).map((path) => dirname(path)))];
  const tools = { ...found, PATH: [...folders, process.env['PATH'] ?? ''].join(delimiter) };
  const total = { passed: 0, failed: 0, skipped: 0 };
  if (wanted.length === 0 || wanted.includes('check')) {
    if (await check(tools)) total.passed += 1;
    else total.failed += 1;
  }
  const folder = await mkdtemp(join(tmpdir(), 'reelay-test-'));
  try {
    for (const project of projects) {
      const { passed, failed, skipped } = await runProject(project, folder, tools);
      total.passed += passed;
      total.failed += failed;
      total.skipped += skipped;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  say(`\n${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`);
  return total.failed === 0 && total.passed > 0 ? 0 : 1;
};

process.exitCode = await main().catch((error) => {
  console.error(error instanceof StartError ? error.message : error);
  return 1;
});
