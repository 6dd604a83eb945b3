/** Children of a living parent, ended in every way: many cases beside each other, one driver for a few dozen of them. */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { untilEmpty } from '../../kit/eventually.ts';
import type { LogLine } from '../../kit/json-log.ts';
import { descriptorsOf, processesOf, zombiesOf } from '../../kit/processes.ts';
import { playChildCase } from './child-case.ts';
import { type ChildCase, describeCase, drawCase } from './child-endings.ts';
import { DriverProcess, HELPERS, type Helpers, type PreparedDriver } from './driver-process.ts';
import type { ChildEnd } from './driver-messages.ts';
import type { Figures } from './figures.ts';
import { randomOf } from './plan.ts';

const AT_ONCE = 6;
const PER_DRIVER = 36;
const SETTLE_MS = 3_000;

/** @returns what is wrong, one line each */
export const tortureChildren = async (base: string, prepared: PreparedDriver, ids: readonly string[], figures: Figures): Promise<string[]> => {
  const cases = ids.map((id) => drawCase(randomOf(id), id));
  const wrong: string[] = [];
  for (let from = 0; from < cases.length; from += PER_DRIVER) {
    const helpers: Helpers = HELPERS[(from / PER_DRIVER) % HELPERS.length] ?? 'setpriv and flock';
    const folder = join(base, `driver-${from}`);
    mkdirSync(join(folder, 'tmp'), { recursive: true });
    const found = await driverFor(prepared, folder, helpers, cases.slice(from, from + PER_DRIVER), figures);
    wrong.push(...found.map((line) => `[${helpers}] ${line}`));
  }
  return wrong;
};

const driverFor = async (prepared: PreparedDriver, folder: string, helpers: Helpers, cases: readonly ChildCase[], figures: Figures): Promise<string[]> => {
  const driver = new DriverProcess(prepared, folder, helpers);
  await driver.ready;
  await driver.settle();
  const before = descriptorsOf(driver.pid);
  const wrong: string[] = [];
  for (let from = 0; from < cases.length; from += AT_ONCE) {
    const batch = cases.slice(from, from + AT_ONCE);
    wrong.push(...(await Promise.all(batch.map((it) => playChildCase(driver, folder, it, figures)))).flat());
    if (driver.isOver) return [...wrong, `the driver ended: ${JSON.stringify(await driver.ended)} ${driver.errors.others.join(' ')} ${JSON.stringify(driver.log.with('level', 'fatal').slice(0, 1))}`];
    wrong.push(...(await leftInDriver(driver, before)).map((line) => `${line} after ${batch.map(describeCase).join(' | ')}`));
    figures.count('checks of the parent', 'descriptors, zombies and registry back to the start');
  }
  driver.signal('SIGTERM');
  const end = await driver.ended;
  if (end.code !== 0) wrong.push(`the driver ended with ${JSON.stringify(end)}`);
  const left = await untilEmpty(() => [...processesOf(folder).map(({ pid, command }) => `process ${pid}: ${command}`), ...strayFiles(folder)], SETTLE_MS);
  wrong.push(...left.map((line) => `${line} is left after the driver's end`));
  for (const it of cases) wrong.push(...wrongLines(driver.log.with('proc', it.id), driver.ends.get(it.id)).map((text) => `${describeCase(it)}: ${text}`));
  return wrong;
};

/** What a driver without children still has of them. */
const leftInDriver = (driver: DriverProcess, before: readonly string[]): Promise<readonly string[]> =>
  untilEmpty(async () => {
    const children = await driver.settle();
    const now = descriptorsOf(driver.pid);
    return [
      ...(children === 0 ? [] : [`${children} children are still in the registry`]),
      ...zombiesOf(driver.pid).map(({ pid }) => `zombie ${pid}`),
      ...(now.join() === before.join() ? [] : [`descriptors were ${before.join(' ')} and are ${now.join(' ')}`]),
    ];
  }, SETTLE_MS);

/** Files of the driver itself: no pid file, no lock file, nothing temporary may be there when nothing runs. */
export const strayFiles = (folder: string): string[] =>
  [...readdirSync(folder).filter((name) => name !== 'children' && name !== 'tmp'), ...readdirSync(join(folder, 'tmp'))].map((name) => `file ${name}`);

/** What is told of an end that nobody of us asked for. */
const UNASKED: Readonly<Record<string, string>> = { code: 'exited', signal: 'killed_by_others', spawnError: 'not_started' };

/** Each end is told once, with its cause. */
const wrongLines = (lines: readonly LogLine[], end: ChildEnd | undefined): string[] => {
  const ends = lines.filter((line) => 'exit' in line);
  if (ends.length !== 1) return [`${ends.length} log lines tell its end`];
  const told = ends[0]?.['cause'];
  const wanted = end === undefined ? told : (end.cause ?? UNASKED[end.kind]);
  return told === wanted ? [] : [`its log line says ${String(told)} and not ${String(wanted)}`];
};
