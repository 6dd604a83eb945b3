import { terminalText } from '@reelay/runtime';
import { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { NotRunning } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { pidStateOf, type Runnable } from '../instance/instance.ts';
import { findLogFile, sizeOf, untilLine } from '../instance/log-file.ts';
import { signalOwner } from '../instance/signal.ts';
import { whatArgument } from './what.ts';

/** All programs check the new settings before any takes them. */
const RESULT_MS = 20_000;
const RESULT = /settings reloaded|reload refused/;

export const reloadCommand = (cli: Cli): Command =>
  new Command('reload').description('have the running system read its settings again, and show what became of it').addArgument(whatArgument()).action(async (what: Runnable) => {
    const { dataDir } = cli.place;
    const { owner, isAlive } = await pidStateOf(what, cli.place, cli.io.env);
    const log = owner === null ? null : await findLogFile(owner.pid);
    const from = log === null ? 0 : await sizeOf(log);
    if (owner === null || !isAlive || !(await signalOwner(owner, 'SIGHUP'))) throw new NotRunning(what === 'system' ? `Reelay does not run on ${dataDir}` : `No ${what} runs on ${dataDir}`);
    const found = log === null ? null : await untilLine(log, { from, matches: RESULT, limitMs: RESULT_MS, clock: cli.io.clock });
    const result = !found?.matched ? 'unknown' : found.matched.includes('refused') ? 'refused' : 'reloaded';
    if (result === 'refused') cli.exitCode = EXIT.failure;
    cli.show({ pid: owner.pid, result, log, lines: found?.lines ?? [] }, () => {
      for (const line of found?.lines ?? []) cli.printer.line(terminalText(line));
      if (log === null) cli.printer.line(`Asked process ${owner.pid} to read its settings again; it says in its terminal what became of it`);
      else if (result === 'unknown') cli.printer.line(`Asked process ${owner.pid} to read its settings again; nothing about it is in ${log} yet`);
    });
  });
