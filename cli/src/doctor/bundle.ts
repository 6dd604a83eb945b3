/** What support asks for, in one file: the answers, settings without secrets, the last lines of the logs. */
import { mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { Ctx, redactUrl } from '@reelay/runtime';
import type { Cli } from '../cli.ts';
import { Failure } from '../errors.ts';
import type { Patient } from './check.ts';
import { runProgram } from './programs.ts';

const LOG_BYTES = 512 * 1024;
const NAME = 'reelay-doctor';
/** Of what is in the environment and the file of settings, what may hold a secret. */
const SECRET = /PASSWORD|TOKEN|SECRET|KEY|CREDS/;
const IN_TEXT: readonly [RegExp, string][] = [
  [/([a-z][a-z0-9+.-]*:\/\/)[^\s@/"']+@/gi, '$1***@'],
  [/(bearer\s+)[\w.~+/=-]+/gi, '$1***'],
  [/(["']?(?:password|token|secret|authorization|cookie)["']?\s*[:=]\s*["']?)[^\s"',}]+/gi, '$1***'],
  [/(\/(?:s|agent\/v1\/\w+)\/)[\w.-]{20,}/g, '$1***'],
  [/(with the password )\S+/g, '$1***'],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, '***'],
];

/** Text without what looks like a secret. */
export const redacted = (text: string): string => IN_TEXT.reduce((all, [pattern, replacement]) => all.replaceAll(pattern, replacement), text);

const redactedSetting = (name: string, value: unknown): unknown => (SECRET.test(name) ? '***' : typeof value === 'string' ? redactUrl(value) : value);

const redactedFile = async (path: string): Promise<string> => {
  try {
    const parsed: unknown = JSON.parse(await readFile(path, 'utf8'));
    return JSON.stringify(Object.fromEntries(Object.entries(parsed ?? {}).map(([name, value]) => [name, redactedSetting(name, value)])), null, 2);
  } catch (error) {
    return error instanceof SyntaxError ? 'not JSON' : 'cannot be read';
  }
};

const lastBytes = async (path: string): Promise<string> => {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const buffer = Buffer.alloc(Math.min(size, LOG_BYTES));
    await file.read(buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString('utf8');
  } finally {
    await file.close();
  }
};

const settingsOf = (env: Patient['env']): Record<string, unknown> => {
  const ours = Object.entries(env).filter(([name]) => /^(REELAY_|PORT$|HOST$|MEDIA_|DATABASE_URL|NATS_|FFMPEG|FFPROBE|NVIDIA_|MAX_CONCURRENT|TRANSCODE_|SHUTDOWN_|NODE_ENV|NODE_OPTIONS)/.test(name));
  return Object.fromEntries(ours.map(([name, value]) => [name, redactedSetting(name, value)]));
};

/** The current ones and the one put aside last. */
const logFiles = async (folders: readonly string[]): Promise<string[]> => {
  const found = await Promise.all(folders.map(async (folder) => (await readdir(folder).catch(() => [])).filter((name) => /\.log(\.1)?$/.test(name)).map((name) => join(folder, name))));
  return found.flat();
};

const fill = async (folder: string, { env, place }: Patient, report: unknown): Promise<void> => {
  await writeFile(join(folder, 'doctor.json'), redacted(JSON.stringify(report, null, 2)));
  await writeFile(join(folder, 'environment.json'), JSON.stringify(settingsOf(env), null, 2));
  if (place.configFile !== undefined) await writeFile(join(folder, 'settings.json'), await redactedFile(place.configFile));
  for (const path of await logFiles([place.dataDir, join(place.dataDir, 'logs'), join(place.dataDir, 'node')])) {
    await writeFile(join(folder, basename(path)), redacted(await lastBytes(path).catch(() => 'cannot be read')));
  }
};

/** Answers the path of the file it made. @throws Failure */
export const writeBundle = async (cli: Cli, patient: Patient, report: unknown, wanted: string): Promise<string> => {
  const target = resolve(cli.io.cwd, wanted);
  const temp = await mkdtemp(join(tmpdir(), 'reelay-doctor-'));
  try {
    const folder = join(temp, NAME);
    await mkdir(folder);
    await fill(folder, patient, report);
    const ran = await runProgram(Ctx.root('bundle'), patient, 'tar', ['-czf', target, '-C', temp, NAME], 60_000);
    if (!ran.ok) throw new Failure(`${target} cannot be written (${ran.lastWords})`);
    return target;
  } finally {
    await rm(temp, { recursive: true, force: true });
  }
};
