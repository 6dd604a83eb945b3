import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loginResponse, userSchema } from '@reelay/contracts';
import { Command } from 'commander';
import { z } from 'zod';
import type { Cli } from '../cli.ts';
import { ApiClient, understood } from '../connection/api-client.ts';
import { Credentials, credentialsPath } from '../connection/credentials.ts';
import { UsageError } from '../errors.ts';
import { localTime } from '../output/words.ts';
import { ask, askSecret, firstLine } from '../prompt.ts';

interface LoginOptions {
  username?: string;
  passwordStdin?: boolean;
  local?: boolean;
}

const FIRST_USER = 'admin';

/** The password the first start made, when this user may read it and the gateway is the one of this machine. */
const generatedPassword = async (cli: Cli, url: string): Promise<{ path: string; password: string } | null> => {
  const instance = await cli.instance();
  if (instance?.facts?.url !== url) return null;
  const path = join(cli.place.dataDir, 'admin-password');
  const password = await readFile(path, 'utf8').catch(() => '');
  return password.trim() === '' ? null : { path, password: password.trim() };
};

/** Who signs in, and the password: never from the command line, where everybody on the machine can read it. */
const credentialsOf = async (cli: Cli, url: string, options: LoginOptions): Promise<{ username: string; password: string }> => {
  if (options.passwordStdin === true) {
    if (options.username === undefined) throw new UsageError('--password-stdin: give --username too');
    return { username: options.username, password: await firstLine(cli.io) };
  }
  const local = options.username === undefined || options.username === FIRST_USER ? await generatedPassword(cli, url) : null;
  if (options.local === true) {
    if (local === null) throw new UsageError(`--local: there is no generated password of a running system that you may read in ${cli.place.dataDir}`);
    return { username: FIRST_USER, password: local.password };
  }
  if (!cli.io.input.isTTY) throw new UsageError('There is no terminal to ask at: use --password-stdin, or --local for the system on this machine');
  if (local !== null) {
    const answer = await ask(cli.io, `Sign in as ${FIRST_USER} with the generated password in ${local.path}? [Y/n] `);
    if (/^(y|yes)?$/i.test(answer.trim())) return { username: FIRST_USER, password: local.password };
  }
  const username = options.username ?? (await ask(cli.io, `User name at ${url}: `)).trim();
  return { username, password: await askSecret(cli.io, 'Password: ') };
};

export const loginCommand = (cli: Cli): Command =>
  new Command('login').description('sign in and keep the token in ~/.config/reelay/credentials')
    .option('-u, --username <name>', 'who signs in; asked for when left out')
    .option('--password-stdin', 'read the password from standard input')
    .option('--local', 'sign in as admin with the password that the first start on this machine generated')
    .action(async (options: LoginOptions) => {
      const { url } = await cli.gateway();
      await new ApiClient(url, null).get('/healthz');
      const body = await credentialsOf(cli, url, options);
      const json = (await new ApiClient(url, null).call('POST', '/api/auth/login', { body })).json;
      const { token, user, expiresAt } = understood(loginResponse, json);
      const credentials = new Credentials(credentialsPath(cli.io.env));
      await credentials.keep(url, { token, username: user.username, expiresAt });
      // The token itself is not shown: what is printed ends up in logs.
      const shown = { url, user: understood(z.looseObject(userSchema.shape), user), expiresAt, keptIn: credentials.path };
      cli.show(shown, () => cli.printer.line(`Signed in to ${url} as ${user.username} (${user.role}) until ${localTime(expiresAt) ?? ''}`));
    });
