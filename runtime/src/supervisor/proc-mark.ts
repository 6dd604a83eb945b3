import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { readProcStat } from './proc-stat.ts';

/**
 * Environment variable that names the child and, before it, those who started it: `<supervisor>.<n>/<supervisor>.<n>`,
 * a supervisor being its process's `<pid>-<start time>`. It survives setsid(), so that who left the group is found too.
 */
export const PROC_MARK = 'REELAY_PROC';

let prefix: string | undefined;
let spawned = 0;

/** What the marks of all children of this process begin with, and of no other's. */
export function markPrefix(): string {
  if (prefix === undefined) {
    const ours = process.env[PROC_MARK];
    const self = `${process.pid}-${readProcStat(process.pid)?.startTicks ?? Math.round(performance.timeOrigin)}`;
    prefix = `${ours === undefined ? '' : `${ours}/`}${self}.`;
  }
  return prefix;
}

/** The mark of the next child. */
export function nextMark(): string {
  spawned += 1;
  return `${markPrefix()}${spawned}`;
}

/** The child of ours that a mark belongs to, itself or through those it started; null for all others. */
export function childMarkOf(mark: string): string | null {
  const ours = markPrefix();
  if (!mark.startsWith(ours)) return null;
  const end = mark.indexOf('/', ours.length);
  return end < 0 ? mark : mark.slice(0, end);
}

const ENVIRON_MS = 1_000;

/**
 * The environment that a process was started with; empty for what is gone or another user's. The kernel lets readers wait
 * for a process whose memory is in use, for ever where it hangs on a dead disk: then empty too.
 */
export async function readEnviron(pid: number): Promise<string> {
  const giveUp = new AbortController();
  const late = setTimeout(ENVIRON_MS, '', { signal: giveUp.signal }).catch(() => '');
  try {
    return await Promise.race([readFile(`/proc/${pid}/environ`, 'utf8').catch(() => ''), late]);
  } finally {
    giveUp.abort();
  }
}

const ENTRY = `${PROC_MARK}=`;

export function markIn(environ: string): string | null {
  const at = environ.startsWith(ENTRY) ? 0 : environ.indexOf(`\0${ENTRY}`) + 1;
  if (at === 0 && !environ.startsWith(ENTRY)) return null;
  const end = environ.indexOf('\0', at);
  return environ.slice(at + ENTRY.length, end < 0 ? undefined : end);
}

/** Null for what is gone, another user's, or not marked. */
export function readMark(pid: number): string | null {
  try {
    return markIn(readFileSync(`/proc/${pid}/environ`, 'utf8'));
  } catch {
    return null;
  }
}
