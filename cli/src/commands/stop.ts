import { join } from 'node:path';
import type { PidFile } from '@reelay/runtime/supervisor';
import { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { Failure, NotRunning, TimedOut } from '../errors.ts';
import { findServices, pidStateOf, type Runnable } from '../instance/instance.ts';
import { findMarkedProcesses, type MarkedProcess } from '../instance/marked-processes.ts';
import { signalOwner } from '../instance/signal.ts';
import { untilGone } from '../instance/wait-gone.ts';
import { count, duration } from '../output/words.ts';
import { seconds } from './values.ts';
import { whatArgument } from './what.ts';

interface StopOptions {
  timeout?: number;
  force?: boolean;
}

/** What is waited beyond the time that an orderly stop may take: then it is cut off, which takes a moment. */
const MARGIN_SECONDS = 5;
/** After a KILL the kernel and the guardian end the rest. */
const AFTER_KILL_MS = 10_000;

/** Processes of this data folder that still run, the local node's included. */
const leftOf = (dataDir: string): Promise<MarkedProcess[]> => findMarkedProcesses([dataDir, join(dataDir, 'node')]);

const named = (processes: readonly MarkedProcess[]): string => processes.map(({ pid, command }) => `${pid} (${command.split(' ').slice(0, 3).join(' ')})`).join(', ');

export const stopCommand = (cli: Cli): Command =>
  new Command('stop').description('stop what runs on the data folder and wait until it is gone')
    .addArgument(whatArgument())
    .option('--timeout <time>', 'how long to wait (30, 90s, 5m, 1h); 5 s longer than SHUTDOWN_TIMEOUT when left out', seconds)
    .option('--force', 'then end what is left at once, by SIGKILL')
    .action((what: Runnable, { timeout = cli.place.shutdownSeconds + MARGIN_SECONDS, force = false }: StopOptions) =>
      (what === 'system' ? stopSystem(cli, { timeout, force }) : stopService(cli, what, { timeout, force })));

const told = (cli: Cli, owner: PidFile, tookSeconds: number): void =>
  cli.show({ stopped: true, pid: owner.pid, tookSeconds, killed: [] }, () => cli.printer.line(`Stopped (process ${owner.pid}, ${duration(tookSeconds)})`));

const stopSystem = async (cli: Cli, { timeout, force }: Required<StopOptions>): Promise<void> => {
  const { clock } = cli.io;
  const { dataDir } = cli.place;
  const { owner, isAlive } = await pidStateOf('system', cli.place, cli.io.env);
  if (owner === null || !isAlive) {
    const left = await leftOf(dataDir);
    if (force && left.length > 0) return endAtOnce(cli, owner, left);
    throw new NotRunning(`Reelay does not run on ${dataDir}${await whatElse(cli, left)}`);
  }
  const startedMs = clock.monotonicMs();
  await signalOwner(owner, 'SIGTERM');
  const gone = await untilGone(owner, timeout * 1000, clock);
  const left = await leftOf(dataDir);
  if (gone && left.length === 0) return told(cli, owner, (clock.monotonicMs() - startedMs) / 1000);
  if (force) return endAtOnce(cli, owner, left);
  const still = [...(gone ? [] : [`process ${owner.pid} (the system itself)`]), ...(left.length === 0 ? [] : [named(left)])].join(', ');
  throw new TimedOut(`After ${duration(timeout)} there still runs ${still}; wait, or end all of it with reelay stop --force`);
};

/** What runs on the folder although no system does. */
const whatElse = async (cli: Cli, left: readonly MarkedProcess[]): Promise<string> => {
  const alone = (await findServices(cli.place, cli.io.env)).map(({ name }) => name);
  if (alone.length > 0) return `, but by ${alone.length === 1 ? 'itself' : 'themselves'} ${alone.join(', ')}: reelay stop ${alone[0] ?? ''}`;
  return left.length === 0 ? '' : `; ${count(left.length, 'process', 'processes')} of an earlier run still there: ${named(left)} (the next start, or reelay stop --force, ends them)`;
};

const stopService = async (cli: Cli, what: Runnable, { timeout, force }: Required<StopOptions>): Promise<void> => {
  const { clock } = cli.io;
  const { dataDir } = cli.place;
  if ((await pidStateOf('system', cli.place, cli.io.env)).isAlive) throw new Failure(`The ${what} is a part of the running system, which would start it again; reelay stop ends all of it`);
  const { owner, isAlive } = await pidStateOf(what, cli.place, cli.io.env);
  if (owner === null || !isAlive) throw new NotRunning(`No ${what} runs on ${dataDir}`);
  const startedMs = clock.monotonicMs();
  await signalOwner(owner, 'SIGTERM');
  if (await untilGone(owner, timeout * 1000, clock)) return told(cli, owner, (clock.monotonicMs() - startedMs) / 1000);
  if (force) return endAtOnce(cli, owner, []);
  throw new TimedOut(`After ${duration(timeout)} the ${what} still runs: process ${owner.pid}; wait, or end it with reelay stop ${what} --force`);
};

/** The launcher goes first, so that it starts nothing again. */
const endAtOnce = async (cli: Cli, owner: PidFile | null, left: readonly MarkedProcess[]): Promise<void> => {
  const killed: number[] = [];
  if (owner !== null && (await signalOwner(owner, 'SIGKILL'))) killed.push(owner.pid);
  for (const { pid, dir, runId } of left) {
    // Seen a moment ago; the number may have been given away since.
    const again = (await findMarkedProcesses([dir])).find((one) => one.pid === pid && one.runId === runId);
    if (again === undefined || killed.includes(pid)) continue;
    process.kill(pid, 'SIGKILL');
    killed.push(pid);
  }
  if (owner !== null && !(await untilGone(owner, AFTER_KILL_MS, cli.io.clock))) throw new TimedOut(`Process ${owner.pid} outlives SIGKILL: it hangs in the kernel, for example on a disk that does not answer`);
  cli.show({ stopped: true, pid: owner?.pid ?? null, killed }, () => cli.printer.line(`Ended by force: ${count(killed.length, 'process', 'processes')} (${killed.join(', ')})`));
};
