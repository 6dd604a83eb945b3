// The `keys` service of docker compose: makes every secret once and lays each where only its reader mounts it.
//
//   keys/      seeds and current account JWT; mounted by this service alone
//   hub/       reelay.json (DATABASE_URL), hub.creds, secret.key
//   nats/      operator.jwt, accounts/, jetstream/
//   postgres/  password
//   nodes/<id>/node.creds
import { randomBytes } from 'node:crypto';
import { chown, copyFile, chmod, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureSecretKey, readSettings } from '@reelay/runtime';
import { keysSettings } from './keys-settings.ts';
import { NatsKeys } from './nats/keys.ts';
import { ensureSecretFile } from './secret-file.ts';

async function giveTo(uid: number, folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    await chown(path, uid, uid);
    await chmod(path, entry.isDirectory() ? 0o700 : 0o600);
  }
  await chown(folder, uid, uid);
  await chmod(folder, 0o700);
}

async function copySecret(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  await chmod(to, 0o600);
}

async function makeSecrets(): Promise<void> {
  const settings = readSettings(keysSettings, { env: process.env });
  const at = (...names: string[]) => join(settings.REELAY_SECRETS_DIR, ...names);
  const nodeFolders = settings.REELAY_NODE_IDS.map((nodeId) => ({ nodeId, folder: at('nodes', nodeId) }));
  for (const folder of [at('hub'), at('nats'), at('postgres'), ...nodeFolders.map((node) => node.folder)]) await mkdir(folder, { recursive: true });

  const keys = await NatsKeys.open(at('keys'), at('nats'));
  await copySecret(keys.paths.hubCreds, at('hub', 'hub.creds'));
  for (const { nodeId, folder } of nodeFolders) await copySecret(await keys.createNodeCreds(nodeId), join(folder, 'node.creds'));

  const password = await ensureSecretFile(at('postgres', 'password'), () => randomBytes(24).toString('base64url'));
  const databaseUrl = `postgres://reelay:${password}@${settings.REELAY_DATABASE_HOST}:5432/reelay`;
  await ensureSecretFile(at('hub', 'reelay.json'), () => `${JSON.stringify({ DATABASE_URL: databaseUrl }, null, 2)}\n`);
  ensureSecretKey(at('hub', 'secret.key'));

  if (process.getuid?.() === 0) {
    for (const folder of [at('hub'), at('nats'), ...nodeFolders.map((node) => node.folder)]) await giveTo(settings.REELAY_HUB_UID, folder);
    await giveTo(settings.REELAY_POSTGRES_UID, at('postgres'));
  }
  const accounts = await readdir(keys.paths.accounts);
  process.stdout.write(`secrets are in place: ${accounts.length} NATS accounts, ${nodeFolders.length} nodes\n`);
}

try {
  await makeSecrets();
} catch (error) {
  process.stderr.write(`keys: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
