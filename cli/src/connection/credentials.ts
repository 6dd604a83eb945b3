/** What `reelay login` keeps: one token per gateway, in a file that only its owner can read. */
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Env, errorCode } from '@reelay/runtime';
import { z } from 'zod';
import { Failure } from '../errors.ts';

const signInSchema = z.object({ token: z.string().min(1), username: z.string(), expiresAt: z.string() });
export type SignIn = z.infer<typeof signInSchema>;
const fileSchema = z.object({ signIns: z.record(z.string(), signInSchema) });

const LOOPBACK = new Set(['127.0.0.1', '[::1]', 'localhost']);

/** The gateway a token belongs to; this machine has several names. */
export const gatewayKey = (url: string): string => {
  const { protocol, hostname, host, port } = new URL(url);
  return LOOPBACK.has(hostname) ? `${protocol}//localhost${port === '' ? '' : `:${port}`}` : `${protocol}//${host}`;
};

export const credentialsPath = (env: Env): string => join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config'), 'reelay', 'credentials');

export class Credentials {
  constructor(readonly path: string) {}

  /** @throws Failure when the file is there but cannot be understood */
  async find(url: string): Promise<SignIn | null> {
    return (await this.#read())[gatewayKey(url)] ?? null;
  }

  async keep(url: string, signIn: SignIn): Promise<void> {
    await this.#write({ ...(await this.#read()), [gatewayKey(url)]: signIn });
  }

  /** False when there was none. */
  async forget(url: string): Promise<boolean> {
    const { [gatewayKey(url)]: gone, ...others } = await this.#read();
    if (gone !== undefined) await this.#write(others);
    return gone !== undefined;
  }

  /** Whether others than the owner may read the file. */
  async isOpenToOthers(): Promise<boolean> {
    return stat(this.path).then((info) => (info.mode & 0o077) !== 0, () => false);
  }

  async #read(): Promise<Record<string, SignIn>> {
    let text: string;
    try {
      text = await readFile(this.path, 'utf8');
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return {};
      throw new Failure(`${this.path} cannot be read (${errorCode(error) ?? 'unknown error'})`, {}, error);
    }
    const parsed = fileSchema.safeParse(asJson(text));
    if (!parsed.success) throw new Failure(`${this.path} is not what reelay login writes; remove it and sign in again`);
    return parsed.data.signIns;
  }

  async #write(signIns: Record<string, SignIn>): Promise<void> {
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
    const part = `${this.path}.${process.pid}.part`;
    try {
      await writeFile(part, `${JSON.stringify({ signIns }, null, 2)}\n`, { mode: 0o600 });
      await rename(part, this.path);
    } catch (error) {
      await rm(part, { force: true });
      throw new Failure(`${this.path} cannot be written (${errorCode(error) ?? 'unknown error'})`, {}, error);
    }
  }
}

const asJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};
