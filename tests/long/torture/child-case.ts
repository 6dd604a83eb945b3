/** Plays one case with one child of a living driver, and says what is wrong with how it ended. */
import { join } from 'node:path';
import { pause, untilEmpty } from '../../kit/eventually.ts';
import { processesOf } from '../../kit/processes.ts';
import { type ChildCase, describeCase, type Step } from './child-endings.ts';
import { specOf, STUBBORN_GRACE_MS } from './child-kinds.ts';
import type { ChildEnd } from './driver-messages.ts';
import type { DriverProcess } from './driver-process.ts';
import type { Figures } from './figures.ts';

/** How long what is left of a child may need to be gone; far more than it does. */
const GONE_MS = 5_000;
/** After this the case itself has failed. */
const LIMIT_MS = 60_000;

/** Sends a signal; a process that is gone needs none. */
export const signalTo = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone.
  }
};

const act = (driver: DriverProcess, id: string, step: Step): void => {
  const pid = driver.pids.get(id);
  if (step.kind === 'inside') driver.order({ kind: 'end', id, way: step.way });
  else if (pid !== undefined && pid > 0 && !driver.ends.has(id)) signalTo(step.group ? -pid : pid, step.signal);
};

const untilOrLate = async (driver: DriverProcess, test: () => boolean): Promise<boolean> => {
  let late = false;
  await Promise.race([driver.until(test), pause(LIMIT_MS).then(() => (late = true))]);
  return !late && test();
};

/** @returns what is wrong, one line each */
export const playChildCase = async (driver: DriverProcess, folder: string, it: ChildCase, figures: Figures): Promise<string[]> => {
  const childFolder = join(folder, 'children', it.id);
  const { id, kind, ending, phase } = it;
  const [first] = ending.steps;
  const atOnce = phase === 'at once' && first?.kind === 'inside' ? first.way : undefined;
  driver.order({ kind: 'start', id, spec: { ...specOf(kind, childFolder), ...ending.spec }, ...(atOnce ? { endAtOnce: atOnce } : {}) });
  const over = (): boolean => driver.ends.has(id);
  await untilOrLate(driver, () => driver.pids.has(id));
  if (phase === 'running') {
    await untilOrLate(driver, () => driver.alive.has(id) || over());
    const pid = driver.pids.get(id) ?? 0;
    if (kind.frozen === true && pid > 0) signalTo(-pid, 'SIGSTOP');
  }
  for (const [n, step] of ending.steps.entries()) {
    if (n === 0 && atOnce) continue;
    // A signal from outside overtakes an order that is still in the driver's channel: the child would die of the signal alone.
    if (n > 0) await untilOrLate(driver, () => driver.told.has(id) || over());
    await pause(it.waitsMs[n] ?? 0);
    act(driver, id, step);
  }
  const inTime = await untilOrLate(driver, over);
  const end = driver.ends.get(id);
  const wrong = end === undefined || !inTime ? ['it did not end'] : wrongEnds(it, end);
  const left = await untilEmpty(() => processesOf(`${childFolder}/`), GONE_MS);
  for (const { pid, command } of left) {
    wrong.push(`process ${pid} is left: ${command}`);
    signalTo(pid, 'SIGKILL');
  }
  if (end) count(figures, it, end);
  return wrong.map((text) => `${describeCase(it)}: ${text}`);
};

const wrongEnds = ({ kind, ending, phase }: ChildCase, end: ChildEnd): string[] => {
  const wrong: string[] = [];
  const byItself = end.cause === undefined;
  const mayEndByItself = kind.ends !== null || ending.cause === null;
  if (byItself && !mayEndByItself) wrong.push(`it ended without a cause, ${JSON.stringify(end)}`);
  if (!byItself && end.cause !== ending.cause) wrong.push(`the cause is ${end.cause} and not ${ending.cause}`);
  if (byItself && kind.ends !== null && ending.steps.length === 0) {
    const how = end.kind === 'code' ? end.code : end.kind === 'signal' ? end.signal : end.kind;
    if (kind.ends === 'failure' ? how === 0 : how !== kind.ends) wrong.push(`it ended with ${how} and not ${kind.ends}`);
  }
  const gentle = (ending.name === 'cancel' || ending.name === 'terminate') && phase === 'running' && !byItself;
  if (gentle && end.forced !== (kind.stubborn === true)) wrong.push(end.forced ? 'it had to be killed' : 'it should have ignored TERM');
  return wrong;
};

const count = (figures: Figures, { kind, ending, phase }: ChildCase, end: ChildEnd): void => {
  figures.count('child ends by kind', kind.name);
  figures.count('child ends by way', end.cause === undefined ? (ending.cause === null && ending.steps.length > 0 ? ending.name : 'by itself') : ending.name);
  if (end.tookMs === null || phase !== 'running' || ending.steps.length !== 1 || end.cause === undefined || ending.name === 'kill') return;
  figures.took(kind.stubborn === true ? 'stubborn child, beyond its grace' : 'cooperative child, order to exit', end.tookMs - (kind.stubborn === true ? STUBBORN_GRACE_MS : 0));
};
