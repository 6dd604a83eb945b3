/** docs/configuration.md says what the code reads. `REELAY_WRITE_DOCS=1 npx vitest run tests/configuration.test.ts` writes it anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describeSettings } from '@reelay/runtime';
import { expect, it } from 'vitest';
import { gatewaySettings } from '../gateway/src/settings.ts';
import { launcherSettings } from '../launcher/src/settings.ts';
import { agentSettings } from '../node-agent/src/settings.ts';
import { schedulerSettings } from '../scheduler/src/settings.ts';

const FILE = fileURLToPath(new URL('../docs/configuration.md', import.meta.url));
const INTRO = `# Configuration

Every variable, as the programs read it. The environment wins over the JSON file that \`REELAY_CONFIG\` names (the same names as keys). That file must be there, unless \`REELAY_CONFIG_OPTIONAL\` is 1. All mistakes are reported at once, at the start, each by name.

The column *reload* says when a new value counts: on SIGHUP, after a restart, or at the very first start alone ([operations.md](operations.md#reload-change-settings-while-it-runs)).

This page is written from the definitions in the code.
`;

const RELOAD: Record<ReturnType<typeof describeSettings>[number]['takesEffect'], string> = { 'on reload': 'yes', 'after a restart': 'restart', 'at the first start': 'first start alone' };

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const section = (title: string, definition: Parameters<typeof describeSettings>[0]): string => {
  const rows = describeSettings(definition)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map((row) => `| \`${row.name}\` | ${row.required ? '**required**' : row.default === undefined || row.default === '' ? '' : `\`${cell(row.default)}\``} | ${cell(row.doc)}${row.secret ? ' Secret.' : ''} | ${RELOAD[row.takesEffect]} |`);
  return `\n## ${title}\n\n| variable | default | meaning | reload |\n|---|---|---|---|\n${rows.join('\n')}\n`;
};

it('docs/configuration.md is true', () => {
  const text = INTRO
    + section('npm start', launcherSettings)
    + section('Gateway', gatewaySettings)
    + section('Scheduler', schedulerSettings)
    + section('Node agent', agentSettings);
  if (process.env['REELAY_WRITE_DOCS'] === '1') writeFileSync(FILE, text);
  expect(readFileSync(FILE, 'utf8')).toBe(text);
});
