// When npm start is killed with SIGKILL, npm cannot pass it on: we notice that it is gone and stop.
import { readFile } from 'node:fs/promises';
import { type Clock, systemClock } from '@reelay/runtime';

const POLL_MS = 250;
const MAX_ANCESTORS = 4;

interface Ancestor {
  pid: number;
  parent: number;
  startTicks: string;
}

async function processAt(pid: number): Promise<Ancestor | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : { pid, parent: Number(fields[1]), startTicks: fields[19] ?? '' };
  } catch {
    return null;
  }
}

async function npmAncestor(pid: number): Promise<Ancestor | null> {
  for (let at = await processAt(pid), step = 0; at !== null && at.pid > 1 && step < MAX_ANCESTORS; at = await processAt(at.parent), step += 1) {
    const command = await readFile(`/proc/${at.pid}/cmdline`, 'utf8').catch(() => '');
    if (/(^|\/)npm(-cli\.js)?(\0| |$)/.test(command)) return at;
  }
  return null;
}

/** Calls `onGone` once when the npm that started us is gone. Does nothing when npm did not. */
export async function watchNpm(env: Readonly<Record<string, string | undefined>>, onGone: () => void, clock: Clock = systemClock): Promise<void> {
  const npm = env['npm_lifecycle_event'] === undefined ? null : await npmAncestor(process.ppid);
  if (npm === null) return;
  const look = async (): Promise<void> => {
    if ((await processAt(npm.pid))?.startTicks === npm.startTicks) return;
    end();
    onGone();
  };
  const end = clock.every(POLL_MS, () => void look());
}
