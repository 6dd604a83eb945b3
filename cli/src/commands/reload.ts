import { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { NotRunning } from '../errors.ts';
import { readPidState } from '../instance/instance.ts';
import { signalOwner } from '../instance/signal.ts';

export const reloadCommand = (cli: Cli): Command =>
  new Command('reload').description('have the running system read its settings again').action(async () => {
    const { dataDir } = cli.place;
    const { owner, isAlive } = await readPidState(dataDir, 'launcher');
    if (owner === null || !isAlive || !(await signalOwner(owner, 'SIGHUP'))) throw new NotRunning(`Reelay does not run on ${dataDir}`);
    cli.show({ signalled: true, pid: owner.pid }, () => cli.printer.line(`Asked process ${owner.pid} to read its settings again; its log says what changed`));
  });
