import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Env } from '../config.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { LogFileUnusable } from '../log-file.ts';
import type { MainOptions } from '../main.ts';
import { commonSettings } from '../settings/common.ts';
import { readLeniently } from './lenient.ts';
import { type ParentMessage, parentMessageSchema } from './parent-channel.ts';

const { REELAY_DATA_DIR } = commonSettings;
const LAST_LINES = 5;

/**
 * `--detach`: starts the same program again in a session of its own, without a terminal and with its output in the log
 * file; waits until it is ready or has failed; and ends, the program's lines and exit code passed on. A signal meanwhile
 * ends both.
 * @throws LogFileUnusable, and what `dataDir` throws
 */
export async function detach(options: MainOptions, logFile: string | undefined): Promise<never> {
  const dataDir = options.dataDir ?? (() => readLeniently({ REELAY_DATA_DIR }, options.env).REELAY_DATA_DIR);
  const path = resolve(logFile ?? join(dataDir(), 'logs', `${options.name}.log`));
  const output = openForAppend(path);
  const startBytes = fstatSync(output).size;
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1] ?? '', '--log-file', path], {
    detached: true,
    stdio: ['ignore', output, output, 'ipc'],
    env: withoutNpm(options.env),
  });
  closeSync(output);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill('SIGTERM'));
  process.exit(await untilSettled(child, { name: options.name, path, startBytes }));
}

function openForAppend(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, 'a', 0o640);
  } catch (error) {
    throw new LogFileUnusable(path, error);
  }
}

/** Else the launcher would end with the npm that started it. */
function withoutNpm(env: Env): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('npm_')));
}

interface Log {
  name: string;
  path: string;
  /** Where the log of this start begins. */
  startBytes: number;
}

/** Resolves with the exit code for this process, after telling people why. */
function untilSettled(child: ChildProcess, log: Log): Promise<number> {
  return new Promise((resolve) => {
    let hasSaid = false;
    child.on('message', (message) => {
      const parsed = parentMessageSchema.safeParse(message);
      if (!parsed.success) return;
      hasSaid = true;
      if (tell(parsed.data, log, child.pid ?? 0)) resolve(EXIT_CODES.stopped);
    });
    child.once('error', (error) => {
      process.stderr.write(`${log.name}: cannot start: ${error.message}\n`);
      resolve(EXIT_CODES.crashed);
    });
    child.once('exit', (code, signal) => {
      if (!hasSaid && code !== EXIT_CODES.stopped) process.stderr.write(`${log.name}: ended with ${signal ?? code} before it was ready; ${log.path} ends with\n${lastLines(log)}\n`);
      resolve(code ?? EXIT_CODES.crashed);
    });
  });
}

/** True when the service is ready; after a failure its exit is waited for. */
function tell(message: ParentMessage, { name, path }: Log, pid: number): boolean {
  if (message.failed !== undefined) {
    process.stderr.write(`${message.failed.join('\n')}\n`);
    return false;
  }
  process.stdout.write(`${message.words === undefined ? '' : `${message.words}\n`}${name} runs in the background: process ${pid}, log ${path}\n`);
  return true;
}

function lastLines({ path, startBytes }: Log): string {
  try {
    return readFileSync(path).subarray(startBytes).toString().trimEnd().split('\n').slice(-LAST_LINES).join('\n');
  } catch {
    return '';
  }
}
