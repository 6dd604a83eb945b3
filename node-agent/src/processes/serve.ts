import { killProcessSchema, processesRequestSchema, subjects } from '@reelay/contracts';
import type { Logger } from '@reelay/runtime';
import type { Bus, BusSubscription } from '@reelay/runtime/bus';
import type { ProcInfo, Supervisor } from '@reelay/runtime/supervisor';
import type { Attempts } from '../attempts/attempts.ts';
import { killByHand, type KillDeps } from './kill.ts';
import { processList } from './list.ts';

export interface ServeProcessesOptions extends KillDeps {
  bus: Bus;
  nodeId: string;
  logger: Logger;
  supervisor: Supervisor;
  attempts: Attempts;
}

/** A look at /proc serves everybody who asks within this time. */
const FRESH_MS = 500;

/** Answers what runs here, and ends a process by hand. Returns the subscriptions. */
export function serveProcesses(options: ServeProcessesOptions): BusSubscription[] {
  const { bus, nodeId, supervisor, attempts, clock, logger } = options;
  let looked: { atMs: number; found: Promise<ProcInfo[]> } | undefined;
  const inspect = (): Promise<ProcInfo[]> => {
    const nowMs = clock.monotonicMs();
    if (!looked || nowMs - looked.atMs >= FRESH_MS) looked = { atMs: nowMs, found: supervisor.inspect() };
    return looked.found;
  };
  return [
    bus.serve(subjects.agent(nodeId, 'processes'), {}, processesRequestSchema, async () => processList(await inspect(), attempts)),
    bus.serve(subjects.agent(nodeId, 'kill'), {}, killProcessSchema, async (message) => {
      const reply = await killByHand(options, message);
      logger.info({ processId: message.processId, by: message.by, reason: message.reason, result: reply.result, name: reply.name, jobId: reply.job?.jobId }, 'a process was to be ended by hand');
      return reply;
    }),
  ];
}
