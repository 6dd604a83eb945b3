// Who may connect to NATS, changed while the server runs.
import { readFile, rm } from 'node:fs/promises';
import { parseCreds } from '@nats-io/jwt';
import { ReelayError } from '@reelay/runtime';
import { connect, credsAuthenticator } from 'nats';
import { z } from 'zod';
import type { NatsKeys } from './keys.ts';

const UPDATE_TIMEOUT_MS = 5_000;
const updateReply = z.object({ data: z.object({ code: z.number() }).optional(), error: z.object({ description: z.string() }).optional() });

/** The server did not take the account's new JWT. */
class AccountUpdateRefused extends ReelayError {
  readonly code = 'nats_account_update_refused';
  constructor(reason: string) {
    super(`NATS refused the account's new JWT: ${reason}`, { reason });
  }
}

/**
 * Cuts a node off: its connections end at once and its credentials never work again.
 * `createNodeCreds` afterwards makes new ones. Does nothing for a node without credentials.
 * @throws AccountUpdateRefused
 */
export async function revokeNode(keys: NatsKeys, natsUrl: string, nodeId: string): Promise<void> {
  const path = keys.nodeCredsPath(nodeId);
  const creds = await readFile(path).catch(() => null);
  if (creds === null) return;
  const { uc } = await parseCreds(creds);
  await pushAccount(keys, natsUrl, await keys.revokeUser(uc.sub));
  await rm(path, { force: true });
}

async function pushAccount(keys: NatsKeys, natsUrl: string, jwt: string): Promise<void> {
  const connection = await connect({ servers: natsUrl, name: 'reelay-accounts', authenticator: credsAuthenticator(await readFile(keys.paths.systemCreds)) });
  try {
    const reply = await connection.request('$SYS.REQ.CLAIMS.UPDATE', jwt, { timeout: UPDATE_TIMEOUT_MS });
    const answer = updateReply.parse(reply.json());
    if (answer.error !== undefined) throw new AccountUpdateRefused(answer.error.description);
  } finally {
    await connection.close();
  }
}
