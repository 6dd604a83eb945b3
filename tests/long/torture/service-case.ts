/** Plays one end of one service among the others, and says what is wrong with what is left. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Video } from '@reelay/contracts';
import { pause, untilEmpty } from '../../kit/eventually.ts';
import { leftInDatabase } from '../../kit/leftovers.ts';
import type { LoggedProcess } from '../../kit/logged-process.ts';
import { processesOf } from '../../kit/processes.ts';
import { SERVICES } from '../../../launcher/src/programs.ts';
import { signalTo } from './child-case.ts';
import type { Figures } from './figures.ts';
import { describeServiceCase, type ServiceCase, wrongServiceEnd } from './service-endings.ts';
import { addFilm, cancelAll, type Load, loadGateway, loadScheduler, type RunningJob, startEncodes, untilRunning } from './service-load.ts';
import type { Stage } from './stage.ts';

const GONE_MS = 8_000;
const END_LIMIT_MS = 40_000;
const ENCODES = 2;

export interface Scene {
  stage: Stage;
  film: Video;
}

export const openScene = async (stage: Stage, folder: string): Promise<Scene> => ({ stage, film: await addFilm(stage, folder) });

/** @returns what is wrong, one line each */
export const playServiceCase = async (scene: Scene, it: ServiceCase, figures: Figures): Promise<string[]> => {
  const wrong: string[] = [];
  try {
    wrong.push(...(await play(scene, it, figures)));
  } catch (error) {
    wrong.push(`it could not be played to its end: ${error instanceof Error ? error.message : String(error)}`);
  }
  figures.count('service ends', it.service);
  figures.count('service ends by way', it.ending.name);
  figures.count('service ends by phase', it.phase === 'busy' || !it.busy ? it.phase : `${it.phase} with work`);
  return wrong.map((text) => `${describeServiceCase(it)}: ${text}`);
};

const play = async ({ stage, film }: Scene, it: ServiceCase, figures: Figures): Promise<string[]> => {
  await stage.ensure(SERVICES.filter((name) => name !== it.service));
  const jobs = it.busy && it.service !== 'gateway' ? await encodesFor(stage, film) : [];
  const victim = await reach(stage, it);
  const load = it.busy ? loadFor(stage, film, it) : null;
  if (it.phase === 'stopping') victim.signal('SIGTERM');
  await pause(it.waitMs);
  const struckMs = performance.now();
  for (const blow of it.ending.blows) {
    if ('signal' in blow) victim.signal(blow.signal);
    else await pause(blow.waitMs);
  }
  const end = await Promise.race([victim.ended, pause(END_LIMIT_MS).then(() => null)]);
  load?.stop();
  await load?.done;
  if (end === null) {
    signalTo(victim.pid, 'SIGKILL');
    await victim.ended;
    return [`it is still there ${END_LIMIT_MS} ms later; last lines: ${JSON.stringify(victim.log.lines.slice(-4))}`];
  }
  if (it.ending.order === 'good' && it.ending.blows.length === 1 && it.phase !== 'stopping' && it.phase !== 'starting') figures.took(`${it.service}, signal to exit, ${it.busy ? 'busy' : 'idle'}`, performance.now() - struckMs);
  const hard = end.signal !== null || end.code !== 0;
  return [
    ...wrongServiceEnd(it, end, victim.log.lines, victim.errors.others),
    ...wrongChildLines(victim, hard),
    ...(await leftBy(stage, it, hard, figures)),
    ...(await goesOn(stage, it, jobs, figures)),
  ];
};

/** The node is there already when its encodes are started, and the scheduler too: so they are the victim of this case. */
const encodesFor = async (stage: Stage, film: Video): Promise<RunningJob[]> => {
  await stage.ensure(SERVICES);
  return startEncodes(stage, film, ENCODES);
};

const reach = async (stage: Stage, it: ServiceCase): Promise<LoggedProcess> => {
  const running = stage.running(it.service);
  if (it.phase !== 'starting') {
    const victim = running ?? stage.launch(it.service);
    await victim.ready;
    if (it.busy || it.service === 'gateway') await stage.ensure(SERVICES);
    return victim;
  }
  running?.signal('SIGTERM');
  await running?.ended;
  return stage.launch(it.service);
};

const loadFor = (stage: Stage, film: Video, { service }: ServiceCase): Load | null => {
  if (service === 'gateway') return loadGateway(stage, film);
  return service === 'scheduler' ? loadScheduler(stage, film) : null;
};

/** Each child of which it said that it was started must have one line about its end, unless it could not write any more. */
const wrongChildLines = (victim: LoggedProcess, hard: boolean): string[] => {
  const started = victim.log.with('msg', 'child started').map((line) => line['pid']);
  return started.flatMap((pid) => {
    const ends = victim.log.with('pid', pid).filter((line) => 'proc' in line && 'exit' in line).length;
    return ends === 1 || (hard && ends === 0) ? [] : [`the end of its child ${String(pid)} was told ${ends} times`];
  });
};

const leftBy = async (stage: Stage, { service, phase }: ServiceCase, hard: boolean, figures: Figures): Promise<string[]> => {
  const startedMs = performance.now();
  const folder = stage.folderOf(service);
  const killed = service === 'node-agent' && hard && phase !== 'starting';
  await untilEmpty(() => processesOf(folder).filter(({ command }) => !command.includes('reelay-guardian')), GONE_MS);
  if (killed) figures.took('node agent killed: its jobs and their ffmpeg gone', performance.now() - startedMs);
  const processes = await untilEmpty(() => processesOf(folder), GONE_MS);
  if (killed) figures.took('node agent killed: its guardian gone too', performance.now() - startedMs);
  const files = hard ? [] : [...filesIn(folder).filter((name) => !KEPT.test(name)), ...filesIn(join(stage.folder, 'tmp'))];
  const parts = hard ? [] : await untilEmpty(() => stage.parts(), service === 'node-agent' || service === 'gateway' ? 0 : GONE_MS);
  return [
    ...processes.map(({ pid, command }) => `process ${pid} is left: ${command}`),
    ...files.map((name) => `file ${name} is left`),
    ...(service === 'scheduler' ? [] : parts.map((name) => `part ${name} is left`)),
    ...(service === 'gateway' && !(await stage.isPortFree()) ? ['its port is still taken'] : []),
  ];
};

/** What a service keeps for its next start. */
const KEPT = /^(admin-password|gateway-run)$/;
const filesIn = (folder: string): string[] => readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map(({ name }) => name);

/** The next start works at once; jobs were put back once and run again, and nothing is booked when they are over. */
const goesOn = async (stage: Stage, it: ServiceCase, jobs: readonly RunningJob[], figures: Figures): Promise<string[]> => {
  const startedMs = performance.now();
  await stage.ensure(SERVICES);
  figures.took(`${it.service}, next start to ready`, performance.now() - startedMs);
  const wrong: string[] = [];
  for (const job of jobs) wrong.push(...(await wrongJob(stage, it, job, figures)));
  if (jobs.length === 0 && !it.busy) return wrong;
  await cancelAll(stage);
  const left = await untilEmpty(async () => [...(await leftInDatabase(stage.sql)), ...stage.parts().map((name) => `part ${name}`)], GONE_MS);
  figures.count('checks of the database', 'bookings, intents, part files');
  return [...wrong, ...left.map((line) => `${line} is left after the next start`)];
};

const PUT_BACK: ReadonlySet<string> = new Set(['lost', 'release']);

const wrongJob = async (stage: Stage, { service }: ServiceCase, { id, epoch }: RunningJob, figures: Figures): Promise<string[]> => {
  const wanted = service === 'node-agent' ? 1 : 0;
  const now = await untilRunning(stage, id, epoch + wanted - 1);
  const told = await stage.sql<{ event: string; epoch: number; detail: string | null }[]>`select event, epoch, detail from audit where topic = 'jobs' and entity_id = ${id} and epoch >= ${epoch} order by id`;
  const back = told.filter(({ event }) => PUT_BACK.has(event)).length;
  // An offer that was refused was no attempt; it has a number all the same.
  const refused = told.filter(({ event }) => event === 'unplace').length;
  figures.count('jobs of ended services', wanted === 1 ? 'put back once' : 'went on');
  if (refused > 0) figures.count('jobs of ended services', 'offered in vain to an agent that ends', refused);
  if (back === wanted && now.epoch === epoch + wanted + refused) return [];
  const course = told.map(({ event, epoch, detail }) => `${event} ${epoch}${detail === null ? '' : ` (${detail})`}`).join(', ');
  return [`job ${id} was put back ${back} times and not ${wanted}; its epoch was ${epoch} and is ${now.epoch}: ${course}`];
};
