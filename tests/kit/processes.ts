/** Looks into /proc for the processes of one run: those whose environment names its folder. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface Found {
  pid: number;
  command: string;
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

/** State letter and parent of a process; null when there is none. */
const statOf = (pid: number | string): { state: string; parent: number } | null => {
  const stat = read(`/proc/${pid}/stat`);
  const [state = '', parent = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return stat === '' ? null : { state, parent: Number(parent) };
};

const allPids = (): string[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name));

/** A zombie counts as gone: it runs no more, and only its parent can remove it. */
export const isGone = (pid: number | string): boolean => {
  const stat = statOf(pid);
  return stat === null || stat.state === 'Z';
};

/** Living processes that carry `folder` in their environment, their command line or as their folder. */
export const processesOf = (folder: string): Found[] =>
  allPids()
    .filter((pid) => Number(pid) !== process.pid)
    .map((pid) => {
      const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
      const belongs = command.includes(folder) || read(`/proc/${pid}/environ`).includes(folder) || cwd(pid).startsWith(folder);
      return belongs && !isGone(pid) ? { pid: Number(pid), command } : null;
    })
    .filter((found) => found !== null);

/** Ended children that this process has not reaped. */
export const zombiesOf = (parent: number): Found[] =>
  allPids()
    .filter((pid) => {
      const stat = statOf(pid);
      return stat?.state === 'Z' && stat.parent === parent;
    })
    .map((pid) => ({ pid: Number(pid), command: `zombie of ${parent}` }));

/** What the file descriptors of a process point at, sorted. */
export const descriptorsOf = (pid: number): string[] => {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder)
    .map((fd) => {
      try {
        return readlinkSync(`${folder}/${fd}`).replace(/\d+/g, '');
      } catch {
        return '';
      }
    })
    .filter((target) => target !== '')
    .toSorted();
};

const cwd = (pid: string): string => {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
};
