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

const isZombie = (pid: string): boolean => {
  const stat = read(`/proc/${pid}/stat`);
  return stat === '' || stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
};

/** Living processes that carry `folder` in their environment, their command line or as their folder. */
export const processesOf = (folder: string): Found[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => {
      const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
      const belongs = command.includes(folder) || read(`/proc/${pid}/environ`).includes(folder) || cwd(pid).startsWith(folder);
      return belongs && !isZombie(pid) ? { pid: Number(pid), command } : null;
    })
    .filter((found) => found !== null);

const cwd = (pid: string): string => {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
};
