// Dependency direction: who may import whom. Fails with one line per wrong import.
//
//   web → contracts
//   gateway | scheduler | node-agent → contracts, runtime, store (not the agent), job-types (its own door)
//   job-types → contracts, runtime, store (hub side only)
//   store, runtime → contracts      launcher → contracts, runtime, store      cli → contracts, runtime, services' settings
//   services never import each other
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** Workspace → the import specifiers (or prefixes of them) of other workspaces it may use. */
const MAY_IMPORT = {
  contracts: [],
  runtime: ['@reelay/contracts'],
  store: ['@reelay/contracts'],
  'job-types': ['@reelay/contracts', '@reelay/runtime', '@reelay/store'],
  gateway: ['@reelay/contracts', '@reelay/runtime', '@reelay/store', '@reelay/job-types/hub'],
  scheduler: ['@reelay/contracts', '@reelay/runtime', '@reelay/store', '@reelay/job-types/hub'],
  'node-agent': ['@reelay/contracts', '@reelay/runtime', '@reelay/job-types/agent'],
  web: ['@reelay/contracts'],
  launcher: ['@reelay/contracts', '@reelay/runtime', '@reelay/store'],
  // Of the services the definitions of their settings alone: reelay doctor checks what they will read.
  cli: ['@reelay/contracts', '@reelay/runtime', '@reelay/launcher/settings', '@reelay/gateway/settings', '@reelay/scheduler/settings', '@reelay/node-agent/settings'],
};

/** Packages and modules that only these places may import (production code; tests may use them freely). */
const ONLY_IN = [
  { module: /^nats$/, where: [/^runtime\/src\/bus\//, /^launcher\/src\//], why: 'NATS is spoken through @reelay/runtime/bus' },
  { module: /^postgres$/, where: [/^store\/src\//, /^launcher\/src\//, /^cli\/src\/doctor\//], why: 'SQL lives in store/' },
  { module: /^node:child_process$/, where: [/^runtime\/src\//, /^launcher\//], why: 'processes are started by the supervisor' },
  { module: /^hls\.js$/, where: [/^web\/src\/player\//], why: 'the player is loaded lazily' },
];

const SOURCE = /\.(ts|tsx|mjs)$/;
const TEST = /(\.test\.tsx?$|\/testing|^tests\/|^bench\/)/;

/** @param {string} folder @returns {string[]} */
const filesIn = (folder) =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && SOURCE.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((path) => !path.includes('node_modules') && !path.includes('/dist/'));

const IMPORT = /(?:^|\n)\s*(?:import|export)\b[^'";]*?from\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)\s*import\s*['"]([^'"]+)['"]/g;

/** @type {string[]} */
const problems = [];
for (const [workspace, allowed] of Object.entries(MAY_IMPORT)) {
  for (const path of filesIn(join(root, workspace))) {
    const file = relative(root, path);
    const isTest = TEST.test(file);
    for (const match of readFileSync(path, 'utf8').matchAll(IMPORT)) {
      const specifier = match[1] ?? match[2] ?? match[3] ?? '';
      if (specifier.startsWith('@reelay/')) {
        const own = specifier === `@reelay/${workspace}` || specifier.startsWith(`@reelay/${workspace}/`);
        const ok = own || allowed.some((name) => specifier === name || specifier.startsWith(`${name}/`));
        if (!ok && !isTest) problems.push(`${file}: ${workspace} must not import ${specifier}`);
      } else if (specifier.startsWith('.')) {
        const target = relative(root, resolve(dirname(path), specifier));
        if (!target.startsWith(`${workspace}/`) && !isTest) problems.push(`${file}: reaches into another folder by ${specifier}`);
      }
      for (const rule of ONLY_IN) {
        if (rule.module.test(specifier) && !isTest && !rule.where.some((where) => where.test(file))) {
          problems.push(`${file}: imports ${specifier}, but ${rule.why}`);
        }
      }
    }
  }
}
// The agent's half of a job type must not reach the database.
for (const path of filesIn(join(root, 'job-types/src'))) {
  const file = relative(root, path);
  if (/(execute|agent|agent-types)\.ts$/.test(file) && /from\s*['"]@reelay\/store/.test(readFileSync(path, 'utf8'))) {
    problems.push(`${file}: the agent's half of a job type must not import the store`);
  }
}
for (const line of problems) console.error(line);
console.log(problems.length === 0 ? 'imports: every import points the right way' : `imports: ${problems.length} wrong`);
process.exit(problems.length === 0 ? 0 : 1);
