/** docs/operations.md lists every exit code of the services. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EXIT_CODES, FINAL_EXIT_CODES } from '@reelay/runtime';
import { expect, it } from 'vitest';

it('the table of exit codes is whole', () => {
  const text = readFileSync(fileURLToPath(new URL('../docs/operations.md', import.meta.url)), 'utf8');
  const rows = [...text.matchAll(/^\| (\d+) \| .+ \| (.*) \|$/gm)].map(([, code, again]) => ({ code: Number(code), again }));
  expect(rows.map(({ code }) => code)).toEqual(Object.values(EXIT_CODES).toSorted((a, b) => a - b));
  expect(rows.filter(({ again }) => again === 'no').map(({ code }) => code)).toEqual([...FINAL_EXIT_CODES]);
});
