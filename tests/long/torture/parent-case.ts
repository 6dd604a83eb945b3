/** Plays one end of a parent with its children, and says what is wrong with what is left. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pause, untilEmpty } from '../../kit/eventually.ts';
import { makeMemoryGroup, type MemoryGroup } from '../../kit/memory-group.ts';
import { isGone, processesOf } from '../../kit/processes.ts';
import { signalTo } from './child-case.ts';
import { specOf, STUBBORN_GRACE_MS } from './child-kinds.ts';
import type { HowItEnded } from '../../kit/logged-process.ts';
import { strayFiles } from './child-torture.ts';
import { DriverProcess, type PreparedDriver } from './driver-process.ts';
import type { Figures } from './figures.ts';
import { type Blow, describeParentCase, type ParentCase } from './parent-endings.ts';

const GONE_MS = 8_000;
const END_LIMIT_MS = 30_000;
const GROUP_BYTES = 220 * 1024 ** 2;

/** @returns what is wrong, one line each */
export const playParentCase = async (base: string, prepared: PreparedDriver, it: ParentCase, figures: Figures): Promise<string[]> => {
  const folder = join(base, it.id);
  mkdirSync(join(folder, 'tmp'), { recursive: true });
  const driver = new DriverProcess(prepared, folder, it.helpers, it.ending.options);
  const group = it.ending.memoryGroup === true ? makeMemoryGroup(`reelay-${process.pid}-${it.id}`, GROUP_BYTES) : null;
  const wrong: string[] = [];
  try {
    await reachPhase(driver, folder, it, group);
    await pause(it.waitMs);
    for (const blow of it.ending.blows) await strike(driver, folder, blow);
    const struckMs = performance.now();
    const end = await Promise.race([driver.ended, pause(END_LIMIT_MS).then(() => null)]);
    if (end === null) wrong.push(`it is still there ${END_LIMIT_MS} ms later; last lines: ${JSON.stringify(driver.log.lines.slice(-3))}`);
    else wrong.push(...wrongEnd(it, driver, end), ...(await leftOf(driver, folder, it, figures, bySignal(it) ? struckMs : performance.now())));
    wrong.push(...(await startAgain(prepared, folder, it, figures)));
  } finally {
    signalTo(driver.pid, 'SIGKILL');
    await driver.ended;
    for (const { pid } of processesOf(`${folder}/`)) signalTo(pid, 'SIGKILL');
    group?.remove();
  }
  figures.count('parent ends by way', it.ending.name);
  figures.count('parent ends by phase', it.phase);
  for (const [n, kind] of it.children.entries()) if (driver.pids.has(childId(n))) figures.count('children of ended parents', kind.name);
  return wrong.map((text) => `${describeParentCase(it)}: ${text}`);
};

const childId = (n: number): string => `child-${n}`;

const reachPhase = async (driver: DriverProcess, folder: string, { phase, children, ending }: ParentCase, group: MemoryGroup | null): Promise<void> => {
  if (phase === 'starting') return;
  await driver.ready;
  // Only the driver: its children's memory is their own.
  const graceMs = ending.options?.graceMs ?? STUBBORN_GRACE_MS;
  for (const [n, kind] of children.entries()) driver.order({ kind: 'start', id: childId(n), spec: specOf(kind, join(folder, 'children', childId(n)), graceMs) });
  if (phase === 'spawning') {
    group?.add(driver.pid);
    return;
  }
  await Promise.race([driver.until(() => children.every((_, n) => driver.alive.has(childId(n)))), pause(END_LIMIT_MS)]);
  group?.add(driver.pid);
  for (const [n, kind] of children.entries()) {
    const pid = driver.pids.get(childId(n)) ?? 0;
    if (kind.frozen === true && pid > 0) signalTo(-pid, 'SIGSTOP');
  }
  if (phase === 'stopping') driver.signal('SIGTERM');
};

const strike = async (driver: DriverProcess, folder: string, blow: Blow): Promise<void> => {
  if (blow.kind === 'signal') driver.signal(blow.signal);
  else if (blow.kind === 'wait') await pause(blow.ms);
  else if (blow.kind === 'killGuardian') for (const { pid, command } of processesOf(folder)) if (command.includes('reelay-guardian')) signalTo(pid, 'SIGKILL');
  if (blow.kind === 'throw' || blow.kind === 'eat') driver.order(blow);
};

const wrongEnd = ({ ending, phase }: ParentCase, driver: DriverProcess, end: HowItEnded): string[] => {
  const said = JSON.stringify({ ...end, errors: driver.errors.others.slice(0, 3) });
  // A signal before the program has begun: there is nothing to stop yet, and nobody who could say so.
  if (phase === 'starting' && end.signal !== null && driver.log.lines.length === 0) return [];
  // It stopped in good order before the blow fell.
  if (phase === 'stopping' && end.code === 0) return [];
  if (ending.wanted.order === 'hard') return ending.wanted.how(end) ? [] : [`it ended with ${said}`];
  const wrong = end.code === ending.wanted.code ? [] : [`it ended with ${said}`];
  for (const msg of ['stopping', 'stopped']) if (driver.log.with('msg', msg).length !== 1) wrong.push(`"${msg}" was said ${driver.log.with('msg', msg).length} times`);
  for (const id of driver.pids.keys()) {
    const causes = driver.log.with('proc', id).filter((line) => 'exit' in line).map((line) => line['cause']);
    if (causes.length !== 1 || causes[0] !== ending.wanted.cause) wrong.push(`the end of ${id} was told as ${JSON.stringify(causes)}`);
  }
  return wrong;
};

/** The moment of death is known. */
const bySignal = ({ ending }: ParentCase): boolean => ending.blows.at(-1)?.kind === 'signal';

/** Waits for the children to be gone, and takes the time. */
const leftOf = async (driver: DriverProcess, folder: string, { ending, helpers }: ParentCase, figures: Figures, startedMs: number): Promise<string[]> => {
  const hard = ending.wanted.order === 'hard';
  const direct = [...driver.pids.values()];
  await untilEmpty(() => direct.filter((pid) => !isGone(pid)), GONE_MS);
  if (hard && direct.length > 0) figures.took(`parent killed: its children gone [${helpers}]`, performance.now() - startedMs);
  const left = await untilEmpty(() => processesOf(folder), GONE_MS);
  if (hard && direct.length > 0) figures.took(`parent killed: all gone, grandchildren and guardian too [${helpers}]`, performance.now() - startedMs);
  return left.map(({ pid, command }) => `process ${pid} is left: ${command}`);
};

/** A successor must get the lock at once, find what escaped, and leave nothing itself. */
const startAgain = async (prepared: PreparedDriver, folder: string, { helpers }: ParentCase, figures: Figures): Promise<string[]> => {
  const startedMs = performance.now();
  const next = new DriverProcess(prepared, folder, helpers);
  const wrong: string[] = [];
  try {
    const { swept = 0 } = await next.ready;
    figures.took('next start, launch to ready', performance.now() - startedMs);
    if (swept !== 0) wrong.push(`${String(swept)} processes were left for the next start`);
  } catch (error) {
    return [`the next start failed: ${String(error)}`];
  }
  next.signal('SIGTERM');
  const end = await next.ended;
  if (end.code !== 0) wrong.push(`the next start ended with ${JSON.stringify(end)}`);
  const left = await untilEmpty(() => [...processesOf(folder).map(({ pid, command }) => `process ${pid}: ${command}`), ...strayFiles(folder)], GONE_MS);
  return [...wrong, ...left.map((line) => `${line} is left after the next start`)];
};
