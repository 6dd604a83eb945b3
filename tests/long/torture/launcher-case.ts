/** Plays one end of `npm start`, and says what is wrong with what is left. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pause, untilEmpty } from '../../kit/eventually.ts';
import type { HowItEnded } from '../../kit/logged-process.ts';
import { processesOf } from '../../kit/processes.ts';
import { signalTo } from './child-case.ts';
import type { Figures } from './figures.ts';
import { describeLauncherCase, type LauncherCase } from './launcher-endings.ts';
import { type LauncherPlace, LauncherRun } from './launcher-run.ts';

const GONE_MS = 15_000;
const END_LIMIT_MS = 40_000;

/** `place`: a data folder that was started before, unless the case is about the first start. @returns what is wrong, one line each */
export const playLauncherCase = async (place: LauncherPlace, it: LauncherCase, figures: Figures): Promise<string[]> => {
  const startedMs = performance.now();
  const run = new LauncherRun(place, it.withNpm);
  const wrong: string[] = [];
  try {
    if (it.phase === 'running' || it.phase === 'stopping') {
      await run.ready;
      figures.took('npm start on an old folder, launch to ready', performance.now() - startedMs);
    }
    if (it.phase === 'stopping') run.signal('SIGTERM', 'program');
    await pause(it.waitMs);
    const struckMs = performance.now();
    for (const blow of it.ending.blows) {
      if ('signal' in blow) run.signal(blow.signal, blow.to ?? 'first');
      else await pause(blow.waitMs);
    }
    const end = await Promise.race([run.ended, pause(END_LIMIT_MS).then(() => null)]);
    if (end === null) wrong.push(`it is still there ${END_LIMIT_MS} ms later: ${run.output.slice(-600)}`);
    else wrong.push(...wrongEnd(it, end, run.output));
    const left = await untilEmpty(() => processesOf(place.dataDir), GONE_MS);
    figures.took(it.ending.inOrder ? 'npm start, signal to the last process gone' : 'npm start ended hard, to the last process gone', performance.now() - struckMs);
    for (const { pid, command } of left) {
      wrong.push(`process ${pid} is left: ${command}`);
      signalTo(pid, 'SIGKILL');
    }
    if (end?.code === 0) wrong.push(...strayFiles(place).filter((name) => OF_ITS_OWN.test(name)).map((name) => `file ${name} is left`));
  } catch (error) {
    wrong.push(`it could not be played to its end: ${error instanceof Error ? error.message : String(error)}`);
    run.signal('SIGKILL', 'group');
    await untilEmpty(() => processesOf(place.dataDir), GONE_MS);
  }
  figures.count('launcher ends', it.withNpm ? 'npm start' : 'start.mjs');
  figures.count('launcher ends by way', it.ending.name);
  figures.count('launcher ends by phase', it.phase);
  return wrong.map((text) => `${describeLauncherCase(it)}: ${text}`);
};

/** The folder must be good for a start, with what it had. @returns what is wrong, one line each */
export const startsAgain = async (place: LauncherPlace, why: string): Promise<string[]> => {
  const run = new LauncherRun(place, false);
  try {
    await run.ready;
    const answer = await fetch(`${run.baseUrl}/readyz`);
    run.signal('SIGTERM', 'first');
    const end = await run.ended;
    const left = await untilEmpty(() => [...processesOf(place.dataDir).map(({ pid, command }) => `process ${pid}: ${command}`), ...strayFiles(place)], GONE_MS);
    return [
      ...(answer.status === 200 ? [] : [`/readyz answers ${answer.status} ${why}`]),
      ...(end.code === 0 ? [] : [`the start ${why} ended with ${JSON.stringify(end)}`]),
      ...left.map((line) => `${line} is left by the start ${why}`),
    ];
  } catch (error) {
    run.signal('SIGKILL', 'group');
    return [`no start ${why}: ${error instanceof Error ? error.message : String(error)}`];
  }
};

const wrongEnd = ({ ending, withNpm, phase }: LauncherCase, end: HowItEnded, output: string): string[] => {
  const stopping = output.split('\n').filter((line) => /^reelay .* stopping\b/.test(line)).length;
  const wrong = stopping > 1 ? [`"stopping" was said ${stopping} times`] : [];
  // npm has an exit code of its own; and before the system has begun, the program ends as signals end programs.
  if (withNpm || !ending.inOrder || stopping === 0) return wrong;
  return end.code === 0 ? wrong : [...wrong, `it ended with ${JSON.stringify(end)} in the phase ${phase}: ${output.slice(-600)}`];
};

/** What an orderly stop removes. Of a service that had to be killed meanwhile the pid file stays, and a part of what was being written until the next start. */
const OF_ITS_OWN = /^(instance\.json|launcher\.(pid|lock)|postgres\/data\/postmaster\.pid)$/;

/** What must be there only while it runs. */
const strayFiles = ({ dataDir }: LauncherPlace): string[] => [
  ...readdirSync(dataDir, { recursive: true, encoding: 'utf8' }).filter((name) => /(^|\/)(instance\.json|postmaster\.pid|[^/]*\.(pid|lock|part|password\.new))$/.test(name) && !name.startsWith('library')),
  ...readdirSync(dataDir).includes('tmp') ? readdirSync(join(dataDir, 'tmp')).map((name) => `tmp/${name}`) : [],
];
