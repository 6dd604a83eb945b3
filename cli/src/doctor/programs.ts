/** Runs programs for checks, and finds them where the launcher would. */
import { readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Ctx, Env } from '@reelay/runtime';
import { findExecutable, runTool } from '@reelay/runtime/supervisor';
import type { Patient } from './check.ts';

const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;
/** System folders that an ordinary user's PATH often lacks. */
const SYSTEM_FOLDERS = ':/usr/local/sbin:/usr/sbin:/sbin';

export interface Ran {
  ok: boolean;
  stdout: string;
  /** The last line it said, or how it ended. */
  lastWords: string;
}

/** Runs a program to its end, no longer than the check. @throws SpawnRefused when the time is over */
export const runProgram = async (ctx: Ctx, { supervisor }: Pick<Patient, 'supervisor'>, argv0: string, args: readonly string[], limitMs = 10_000): Promise<Ran> => {
  const { exit, stdout, stderrTail } = await runTool(ctx, supervisor, { argv0, args, limitMs, maxOutputBytes: MAX_OUTPUT_BYTES });
  const ended = exit.kind === 'code' ? `exit code ${exit.code}` : exit.kind === 'signal' ? exit.signal : exit.kind === 'spawnError' ? exit.error.message : exit.kind;
  return { ok: exit.kind === 'code' && exit.code === 0, stdout, lastWords: (stderrTail.trim().split('\n').at(-1) || ended).slice(0, 300) };
};

/** Folders of private copies that the launcher unpacked: one per distribution, release and processor. */
const cacheFolders = (env: Env, root: string): string[] =>
  [join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'reelay', 'tools'), join(root, '.cache', 'tools')].flatMap((base) => {
    try {
      return readdirSync(base).filter((name) => name.endsWith(`-${process.arch}`)).map((name) => join(base, name));
    } catch {
      return [];
    }
  });

/** The program as the launcher finds it: named by a variable, on PATH, or its private copy; null when it is nowhere. */
export const findProgram = (env: Env, root: string, { variable, name, folder }: { variable: string; name: string; folder: string }): string | null => {
  const path = `${env.PATH ?? ''}${SYSTEM_FOLDERS}`;
  const named = env[variable];
  if (named) return findExecutable(named, path);
  const cached = cacheFolders(env, root).map((cache) => join(cache, folder, 'private-bin', name));
  return findExecutable(name, path) ?? cached.find((file) => findExecutable(file, '') !== null) ?? null;
};
