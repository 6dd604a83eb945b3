import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Scratch } from './scratch.ts';

test('a start drops the files of earlier runs, but not of one that may still write', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'reelay-scratch-'));
  try {
    for (const run of ['dead', 'stuck']) mkdirSync(join(dir, 'scratch', run, 'job.1'), { recursive: true });
    const scratch = new Scratch(dir, 'now');
    await scratch.open(['stuck']);
    expect(readdirSync(join(dir, 'scratch')).toSorted()).toEqual(['now', 'stuck']);
    await new Scratch(dir, 'later').open();
    expect(readdirSync(join(dir, 'scratch'))).toEqual(['later']);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
