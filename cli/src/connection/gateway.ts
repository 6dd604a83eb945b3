/** Which gateway, and as whom: from options, then the environment, then what is known on this machine. */
import { readFile } from 'node:fs/promises';
import { errorCode } from '@reelay/runtime';
import { NotRunning, SignInNeeded, Unreachable, UsageError } from '../errors.ts';
import type { Instance } from '../instance/instance.ts';
import type { Place } from '../instance/place.ts';
import type { Io } from '../io.ts';
import { Credentials, credentialsPath } from './credentials.ts';

type UrlSource = '--url' | 'REELAY_URL' | 'the system that runs here' | 'the default';
export interface Gateway {
  url: string;
  source: UrlSource;
}

type TokenSource = '--token-file' | 'REELAY_TOKEN' | 'reelay login';
export interface Token {
  token: string;
  source: TokenSource;
}

/** @throws UsageError */
export const checkedUrl = (text: string, source: string): string => {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) throw new UsageError(`${source}: expected an http or https URL, such as http://localhost:4100`);
  if (url.username !== '' || url.password !== '') throw new UsageError(`${source}: no user or password belongs into the URL; use reelay login`);
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
};

export const findGateway = (io: Pick<Io, 'env'>, option: string | undefined, place: Place, instance: Instance | null): Gateway => {
  if (option !== undefined) return { url: checkedUrl(option, '--url'), source: '--url' };
  if (io.env.REELAY_URL) return { url: checkedUrl(io.env.REELAY_URL, 'REELAY_URL'), source: 'REELAY_URL' };
  if (instance?.facts) return { url: instance.facts.url, source: 'the system that runs here' };
  return { url: `http://localhost:${place.port === 0 ? 4100 : place.port}`, source: 'the default' };
};

/** Null when nobody has signed in. @throws UsageError, Failure */
export const findToken = async (io: Pick<Io, 'env'>, option: string | undefined, url: string): Promise<Token | null> => {
  if (option !== undefined) return { token: await tokenFrom(option), source: '--token-file' };
  if (io.env.REELAY_TOKEN) return { token: checkedToken(io.env.REELAY_TOKEN, 'REELAY_TOKEN'), source: 'REELAY_TOKEN' };
  const found = await new Credentials(credentialsPath(io.env)).find(url);
  return found === null ? null : { token: found.token, source: 'reelay login' };
};

const tokenFrom = async (path: string): Promise<string> => {
  try {
    return checkedToken(await readFile(path, 'utf8'), path);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`--token-file: ${path} cannot be read (${errorCode(error) ?? 'unknown error'})`, {}, error);
  }
};

/** A header takes no spaces or line ends; what is wrong is not repeated, for it is a secret. */
const checkedToken = (text: string, source: string): string => {
  const token = text.trim();
  if (!/^[\x21-\x7e]+$/.test(token)) throw new UsageError(`${source}: holds no token`);
  return token;
};

export const signInNeeded = (url: string): SignInNeeded => new SignInNeeded(`Sign in to ${url} first: reelay login (or set REELAY_TOKEN, or give --token-file)`);

/** Where nobody named a gateway and none listens, the plain truth is that none runs. */
export const asNotRunning = (error: unknown, { source, url }: Gateway, dataDir: string): unknown =>
  error instanceof Unreachable && error.refused && source === 'the default'
    ? new NotRunning(`Reelay does not run on ${dataDir}, and nothing listens at ${url}; start it with reelay start, or name a gateway with --url`, {}, error)
    : error;
