import { join } from 'node:path';
import { ownerIsAlive, type PidFile } from '@reelay/runtime/supervisor';
import { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { NotRunning, TimedOut } from '../errors.ts';
import { readPidState } from '../instance/instance.ts';
import { findMarkedProcesses, type MarkedProcess } from '../instance/marked-processes.ts';
import { signalOwner } from '../instance/signal.ts';
import { untilGone } from '../instance/wait-gone.ts';
import { count, duration } from '../output/words.ts';
import { seconds } from './values.ts';

interface StopOptions {
  timeout: number;
  force?: boolean;
}

/** A system ends within 10 s; a job's process gets 5 s of that. */
const TIMEOUT_SECONDS = 15;
/** After a KILL the kernel and the guardian end the rest. */
const AFTER_KILL_MS = 10_000;

/** Processes of this data folder that still run, the local node's included. */
const leftOf = (dataDir: string): Promise<MarkedProcess[]> => findMarkedProcesses([dataDir, join(dataDir, 'node')]);

export const stopCommand = (cli: Cli): Command =>
  new Command('stop').description('stop the system of the data folder and wait until it is gone')
    .option('--timeout <time>', 'how long to wait', seconds, TIMEOUT_SECONDS)
    .option('--force', 'then end what is left at once, by SIGKILL')
    .action(async ({ timeout, force = false }: StopOptions) => {
      const { dataDir } = cli.place;
      const { owner, isAlive } = await readPidState(dataDir, 'launcher');
      if (owner === null || !isAlive) {
        const left = await leftOf(dataDir);
        if (force && left.length > 0) return endAtOnce(cli, owner, left);
        const more = left.length === 0 ? '' : `; ${count(left.length, 'process', 'processes')} of an earlier run still there: ${named(left)} (the next start, or reelay stop --force, ends them)`;
        throw new NotRunning(`Reelay does not run on ${dataDir}${more}`);
      }
      const startedMs = cli.io.clock.monotonicMs();
      await signalOwner(owner, 'SIGTERM');
      const gone = await untilGone(owner, timeout * 1000, cli.io.clock);
      const left = await leftOf(dataDir);
      if (gone && left.length === 0) {
        const tookSeconds = (cli.io.clock.monotonicMs() - startedMs) / 1000;
        return cli.show({ stopped: true, pid: owner.pid, tookSeconds, killed: [] }, () => cli.printer.line(`Stopped (process ${owner.pid}, ${duration(tookSeconds)})`));
      }
      if (force) return endAtOnce(cli, owner, left);
      throw new TimedOut(`After ${duration(timeout)} there still ${left.length === 1 ? 'is' : 'are'} ${named(left) || `process ${owner.pid}`}; wait, or end ${left.length === 1 ? 'it' : 'them'} with reelay stop --force`);
    });

const named = (processes: readonly MarkedProcess[]): string => processes.map(({ pid, command }) => `${pid} (${command.split(' ').slice(0, 3).join(' ')})`).join(', ');

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
  if (owner !== null && (await ownerIsAlive(owner)) && !(await untilGone(owner, AFTER_KILL_MS, cli.io.clock))) throw new TimedOut(`Process ${owner.pid} outlives SIGKILL: it hangs in the kernel, for example on a disk that does not answer`);
  cli.show({ stopped: true, pid: owner?.pid ?? null, killed }, () => cli.printer.line(`Ended by force: ${count(killed.length, 'process', 'processes')} (${killed.join(', ')})`));
};
