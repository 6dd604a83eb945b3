import { readdirSync, readFileSync } from 'node:fs';

export interface FoundProcess {
  pid: number;
  command: string;
  /** R, S, T (stopped) … */
  state: string;
}

/** Living processes that carry the mark of a run in this folder: job processes, ffmpeg and all they start. */
export function processesOf(workDir: string): FoundProcess[] {
  const found: FoundProcess[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const process = describe(name, workDir);
    if (process) found.push(process);
  }
  return found;
}

function describe(name: string, workDir: string): FoundProcess | null {
  try {
    if (!readFileSync(`/proc/${name}/environ`, 'utf8').includes(`REELAY_RUN=${workDir}|`)) return null;
    const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
    const state = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
    if (state === 'Z') return null;
    return { pid: Number(name), state, command: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ') };
  } catch {
    return null; // Gone meanwhile.
  }
}

/** ffmpeg processes of a run; also one that is started through its loader, as a privately unpacked one is. */
export const encodersOf = (workDir: string): FoundProcess[] =>
  processesOf(workDir).filter(({ command }) => /^(\S*ld-linux\S* --library-path \S+ )?\S*ffmpeg /.test(command));
