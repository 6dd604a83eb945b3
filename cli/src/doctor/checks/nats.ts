import { readFile, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createLogger, errorCode } from '@reelay/runtime';
import { connectBus } from '@reelay/runtime/bus';
import { z } from 'zod';
import { localTime } from '../../output/words.ts';
import { type Check, fail, type Finding, ok, type Patient, warn } from '../check.ts';
import { findProgram, runProgram } from '../programs.ts';

const LIMIT_MS = 10_000;
const CONNECT_MS = 4_000;
const DEFAULT_PORT = 4222;
const SOON_MS = 7 * 86_400_000;
const LEAST_PAYLOAD = 1_048_576;
const infoSchema = z.looseObject({ version: z.string(), jetstream: z.boolean().default(false), max_payload: z.int() });
const claimsSchema = z.looseObject({ exp: z.number().optional() });

const program: Check['look'] = async (patient, ctx) => {
  if (patient.place.natsUrl !== undefined) return [];
  const path = patient.instance?.facts?.natsServer ?? findProgram(patient.env, patient.place.root, { variable: 'NATS_SERVER_PATH', name: 'nats-server', folder: 'nats-server' });
  if (path === null) return [warn('nats-server is not there', 'on Debian and its relatives npm start fetches it by itself; elsewhere install 2.9 or newer, or set NATS_URL')];
  const ran = await runProgram(ctx, patient, path, ['--version']);
  const version = /v(\d+\.\d+\.\d+)/.exec(ran.stdout)?.[1];
  return [ran.ok && version !== undefined ? ok(`nats-server ${version} at ${path}`, { version, program: path }) : fail(`${path} does not run (${ran.lastWords})`, 'install it anew, or set NATS_SERVER_PATH')];
};

/** Every server greets with what it is; no sign-in is needed to hear that. */
const greeting = (host: string, port: number): Promise<z.infer<typeof infoSchema>> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: CONNECT_MS });
    let text = '';
    const give = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const line = /^INFO (.*)\r\n/.exec(text)?.[1];
      if (line === undefined) return;
      socket.destroy();
      try {
        resolve(infoSchema.parse(JSON.parse(line)));
      } catch {
        reject(new Error('what listens there is no NATS server'));
      }
    });
    socket.once('timeout', () => give(new Error('no answer')));
    socket.once('error', give);
    socket.once('close', () => reject(new Error('it hung up')));
  });

const credentialsPath = ({ place, instance }: Patient): string | undefined => place.natsCreds ?? (place.natsUrl === undefined && instance !== null ? join(place.dataDir, 'nats', 'creds', 'hub.creds') : undefined);

/** When the JWT in a .creds file runs out; null when never, or when it cannot be told. */
const expiryOf = (creds: string): Date | null => {
  const payload = /-----BEGIN NATS USER JWT-----\s+[\w-]+\.([\w-]+)\./.exec(creds)?.[1];
  if (payload === undefined) return null;
  try {
    const { exp } = claimsSchema.parse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')));
    return exp === undefined || exp === 0 ? null : new Date(exp * 1000);
  } catch {
    return null;
  }
};

const credentials = async (patient: Patient): Promise<Finding[]> => {
  const path = credentialsPath(patient);
  if (path === undefined) return [];
  try {
    const [text, info] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    if (!text.includes('NATS USER JWT')) return [fail(`${path} holds no NATS credentials`, 'name the .creds file in REELAY_NATS_CREDS')];
    if ((info.mode & 0o077) !== 0) return [warn(`${path} may be read by others`, `chmod 600 ${path}`)];
    const end = expiryOf(text);
    const leftMs = end === null ? Infinity : end.getTime() - patient.clock.now().getTime();
    const until = end === null ? '' : `, good until ${localTime(end.toISOString()) ?? ''}`;
    if (leftMs <= 0) return [fail(`The NATS credentials in ${path} have run out`, 'make new ones, and reelay reload')];
    return [leftMs < SOON_MS ? warn(`NATS credentials in ${path}${until}`, 'make new ones in time, and reelay reload') : ok(`NATS credentials in ${path}${until}`)];
  } catch (error) {
    return [fail(`The NATS credentials in ${path} cannot be read (${errorCode(error) ?? 'unknown error'})`, 'run this as the user that runs Reelay, or mend the path')];
  }
};

const signIn = async (url: string, patient: Patient): Promise<Finding> => {
  const logger = createLogger({ service: 'doctor', level: 'silent' });
  try {
    const startedMs = patient.clock.monotonicMs();
    const bus = await connectBus({ url, credsPath: credentialsPath(patient), name: 'reelay doctor', logger, waitMs: CONNECT_MS });
    await bus.flush(CONNECT_MS);
    const tookMs = Math.round(patient.clock.monotonicMs() - startedMs);
    await bus.close(500);
    return ok(`NATS lets the hub in (${tookMs} ms)`, { tookMs });
  } catch (error) {
    return fail(`NATS does not let the hub in (${error instanceof Error ? error.message : 'unknown error'})`, 'look at REELAY_NATS_CREDS, and at the accounts of the server');
  }
};

const server = async (patient: Patient): Promise<Finding[]> => {
  const url = patient.place.natsUrl ?? patient.instance?.facts?.natsUrl ?? null;
  if (url === null) return [ok('NATS: the embedded one; it runs with the system')];
  const findings: Finding[] = [];
  let answers = false;
  for (const one of url.split(',')) {
    const at = new URL(one.trim());
    try {
      const info = await greeting(at.hostname.replace(/^\[|\]$/g, ''), Number(at.port || DEFAULT_PORT));
      answers = true;
      findings.push(ok(`NATS ${info.version} at ${at.host}`, { version: info.version }));
      if (!info.jetstream) findings.push(fail('NATS runs without JetStream', 'start it with the nats.conf of Reelay, or with --jetstream'));
      if (info.max_payload < LEAST_PAYLOAD) findings.push(fail(`NATS takes messages of ${info.max_payload} bytes only`, 'set max_payload: 1MB'));
    } catch (error) {
      findings.push(fail(`NATS at ${at.host} does not answer (${error instanceof Error ? error.message : 'unknown error'})`, 'start it, and look at the address in NATS_URL'));
    }
  }
  if (answers) findings.push(await signIn(url, patient));
  return findings;
};

export const natsChecks: Check[] = [
  { id: 'nats.program', group: 'Programs', limitMs: LIMIT_MS, look: program },
  { id: 'nats.credentials', group: 'Services', limitMs: LIMIT_MS, look: credentials },
  { id: 'nats.server', group: 'Services', limitMs: LIMIT_MS, look: server },
];
