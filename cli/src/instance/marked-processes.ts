/** Processes that carry the mark of a run of Reelay on one of these folders, wherever they have gone. */
import { readdir, readFile } from 'node:fs/promises';
import { RUN_MARK } from '@reelay/runtime/supervisor';
import { terminalText } from '@reelay/runtime';

export interface MarkedProcess {
  pid: number;
  command: string;
  /** Folder and id of the run that started it. */
  dir: string;
  runId: string;
}

const ENTRY = `${RUN_MARK}=`;
const COMMAND_LENGTH = 120;

const textOf = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');

const markOf = (environ: string): { dir: string; runId: string } | null => {
  const value = environ.split('\0').find((entry) => entry.startsWith(ENTRY))?.slice(ENTRY.length);
  const at = value?.lastIndexOf('|') ?? -1;
  return value === undefined || at < 0 ? null : { dir: value.slice(0, at), runId: value.slice(at + 1) };
};

/** Dead ones that nobody has waited for do nothing any more. */
const isZombie = (stat: string): boolean => stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');

/** Those of this user (of everybody, for root), this process left out. */
export const findMarkedProcesses = async (folders: readonly string[]): Promise<MarkedProcess[]> => {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const found = await Promise.all(pids.map(async (pid): Promise<MarkedProcess | null> => {
    const mark = markOf(await textOf(`/proc/${pid}/environ`));
    if (mark === null || !folders.includes(mark.dir) || isZombie(await textOf(`/proc/${pid}/stat`))) return null;
    const command = terminalText((await textOf(`/proc/${pid}/cmdline`)).replaceAll('\0', ' ').trim());
    return command === '' ? null : { pid: Number(pid), command: command.slice(0, COMMAND_LENGTH), dir: mark.dir, runId: mark.runId };
  }));
  return found.filter((one) => one !== null);
};
