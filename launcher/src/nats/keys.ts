// The keys of NATS operator mode, made at the first start. All but the server's part is readable by its owner alone.
//
//   server's folder:  operator.jwt            whom the server trusts (nats.conf)
//                     accounts/<key>.jwt      its copies of the accounts; it rewrites them when newer ones are pushed
//                     jetstream/              its data
//   key folder:       keys.json               seeds of operator and accounts
//                     account.jwt             the account REELAY as it should be, with its revocations
//                     creds/hub.creds         gateway and scheduler: all subjects of the account
//                     creds/system.creds      pushes account JWTs
//                     creds/node-<id>.creds   one node: its own subjects and inbox
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAccount, createOperator, createUser, decode, encodeAccount, encodeOperator, encodeUser, fmtCreds, fromSeed, type Account, type KeyPair, type User } from '@nats-io/jwt';
import { nodeIdSchema, nodePermissions } from '@reelay/contracts';
import { z } from 'zod';
import { ensureSecretFile, writeSecretPart } from '../secret-file.ts';

const ACCOUNT_NAME = 'REELAY';
const NANOSECONDS = 1_000_000_000;

const keysSchema = z.object({
  operatorSeed: z.string(),
  systemSeed: z.string(),
  accountSeed: z.string(),
});
type Keys = z.infer<typeof keysSchema>;

/** No limits but the server's. An absent limit is 0, not infinite. */
const UNLIMITED = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
const JETSTREAM = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };

const utf8 = new TextEncoder();
const keyPair = (seed: string): KeyPair => fromSeed(utf8.encode(seed));
const seedOf = (pair: KeyPair): string => new TextDecoder().decode(pair.getSeed());

export interface NatsPaths {
  operator: string;
  accounts: string;
  store: string;
  hubCreds: string;
  systemCreds: string;
}

/** The key folder of one NATS deployment. */
export class NatsKeys {
  readonly folder: string;
  readonly paths: NatsPaths;
  readonly #keys: Keys;

  private constructor(folder: string, serverFolder: string, keys: Keys) {
    this.folder = folder;
    this.#keys = keys;
    this.paths = {
      operator: join(serverFolder, 'operator.jwt'),
      accounts: join(serverFolder, 'accounts'),
      store: join(serverFolder, 'jetstream'),
      hubCreds: join(folder, 'creds', 'hub.creds'),
      systemCreds: join(folder, 'creds', 'system.creds'),
    };
  }

  /** Opens the folders (one and the same unless the server lives elsewhere); makes what is missing and never changes what is there. */
  static async open(folder: string, serverFolder = folder): Promise<NatsKeys> {
    const text = await ensureSecretFile(join(folder, 'keys.json'), () =>
      JSON.stringify({ operatorSeed: seedOf(createOperator()), systemSeed: seedOf(createAccount()), accountSeed: seedOf(createAccount()) } satisfies Keys),
    );
    const keys = new NatsKeys(folder, serverFolder, keysSchema.parse(JSON.parse(text)));
    await keys.#ensureFiles();
    return keys;
  }

  /** Public key of the account that holds hub and nodes. */
  get accountId(): string {
    return keyPair(this.#keys.accountSeed).getPublicKey();
  }

  nodeCredsPath(nodeId: string): string {
    return join(this.folder, 'creds', `node-${nodeIdSchema.parse(nodeId)}.creds`);
  }

  /** Credentials of a node, made once: it may use its own subjects and inbox. They work at once, without a reload. Returns the file's path. */
  async createNodeCreds(nodeId: string): Promise<string> {
    const path = this.nodeCredsPath(nodeId);
    const allowed = nodePermissions(nodeId);
    await ensureSecretFile(path, () =>
      this.#creds(`node ${nodeId}`, this.#keys.accountSeed, {
        pub: { allow: allowed.publish, deny: [] },
        sub: { allow: allowed.subscribe, deny: [] },
        resp: { max: allowed.responses, ttl: allowed.responseSeconds * NANOSECONDS },
      }),
    );
    return path;
  }

  /** A new JWT of the account in which the user is revoked: every JWT of it issued until now is refused. Stored here; push it to the server. */
  async revokeUser(userPublicKey: string): Promise<string> {
    const current = decode<Account>(await this.accountJwt()).nats;
    const revocations = { ...current.revocations, [userPublicKey]: Math.floor(Date.now() / 1000) };
    const jwt = await this.#accountJwt(revocations);
    const path = this.#accountJwtPath;
    await writeSecretPart(`${path}.part`, jwt);
    await rename(`${path}.part`, path);
    return jwt;
  }

  /** The account's JWT as it should be known to the server. */
  accountJwt(): Promise<string> {
    return ensureSecretFile(this.#accountJwtPath, () => this.#accountJwt({}));
  }

  /** Before a start of the server: its copy may be missing, or older than ours when it was down while ours changed. */
  async refreshAccounts(): Promise<void> {
    await writeFile(join(this.paths.accounts, `${this.accountId}.jwt`), await this.accountJwt(), { mode: 0o600 });
  }

  get #accountJwtPath(): string {
    return join(this.folder, 'account.jwt');
  }

  #accountJwt(revocations: Record<string, number>): Promise<string> {
    return encodeAccount(ACCOUNT_NAME, keyPair(this.#keys.accountSeed), { limits: { ...UNLIMITED, ...JETSTREAM }, revocations }, { signer: keyPair(this.#keys.operatorSeed) });
  }

  async #ensureFiles(): Promise<void> {
    const operator = keyPair(this.#keys.operatorSeed);
    const system = keyPair(this.#keys.systemSeed);
    await mkdir(this.paths.accounts, { recursive: true });
    await mkdir(this.paths.store, { recursive: true });
    await ensureSecretFile(this.paths.operator, () => encodeOperator('reelay', operator, { system_account: system.getPublicKey() }));
    await ensureSecretFile(join(this.paths.accounts, `${system.getPublicKey()}.jwt`), () => encodeAccount('SYS', system, { limits: UNLIMITED }, { signer: operator }));
    await this.refreshAccounts();
    await ensureSecretFile(this.paths.hubCreds, () => this.#creds('hub', this.#keys.accountSeed, {}));
    await ensureSecretFile(this.paths.systemCreds, () => this.#creds('system', this.#keys.systemSeed, {}));
  }

  async #creds(name: string, accountSeed: string, permissions: Partial<User>): Promise<string> {
    const user = createUser();
    const jwt = await encodeUser(name, user, keyPair(accountSeed), permissions);
    return new TextDecoder().decode(fmtCreds(jwt, user));
  }
}
