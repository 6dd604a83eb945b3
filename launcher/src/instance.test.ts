import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings } from '@reelay/runtime';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Instance } from './instance.ts';
import { launcherSettings } from './settings.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'reelay-instance-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const ADDRESSES = { natsUrl: 'nats://127.0.0.1:1', databaseUrl: 'postgres://127.0.0.1:2/reelay' };

it('the file of a system that ends is gone, whatever its start was about to write, and comes no more', async () => {
  const instance = new Instance({ settings: readSettings(launcherSettings, { env: {} }), tools: {}, run: { dir, id: 'run' }, port: 4100, localPort: undefined });
  await instance.publish();
  expect(await readdir(dir)).toHaveLength(1);
  const late = instance.publish(ADDRESSES);
  await Promise.all([instance.remove(), late]);
  expect(await readdir(dir)).toEqual([]);
  await instance.publish(ADDRESSES);
  expect(await readdir(dir)).toEqual([]);
});
