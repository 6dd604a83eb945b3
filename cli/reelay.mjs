#!/usr/bin/env node
// The command `reelay`. Plain JavaScript that any Node can read, so that it says what is wrong instead of failing, and
// works in a clone where nothing is installed yet: the command itself is dist/cli.js.
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const NEEDED = { major: 20, minor: 19 };
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const root = dirname(dirname(realpathSync(fileURLToPath(import.meta.url))));
const bundle = join(root, 'dist', 'cli.js');
const argv = process.argv.slice(2);

if (major < NEEDED.major || (major === NEEDED.major && minor < NEEDED.minor)) {
  process.stderr.write(`reelay: needs Node ${NEEDED.major}.${NEEDED.minor} or newer; this is Node ${process.versions.node}\n`);
  process.exitCode = 1;
} else if (existsSync(bundle) || (await import('./unbuilt.mjs').then(({ prepare }) => prepare(root, argv)))) {
  const { main } = await import(pathToFileURL(bundle).href);
  await main({ root, argv });
}
