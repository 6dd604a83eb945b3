import { type Node, nodeSchema } from '@reelay/contracts';
import { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { type ApiClient, understood } from '../../connection/api-client.ts';
import { live } from '../../connection/live.ts';
import { parseLive } from '../../connection/live-event.ts';
import { TimedOut } from '../../errors.ts';
import { ProgressLine } from '../../output/progress-line.ts';
import { count, duration, localTime } from '../../output/words.ts';
import { seconds } from '../values.ts';

const RETRY_FOR_MS = 5 * 60_000;
const path = (id: string): string => `/api/media/nodes/${encodeURIComponent(id)}`;
const jobsOn = ({ running }: Node): number => running.cpu + running.gpu_encode + running.gpu_ai;

const say = (cli: Cli, json: unknown): void =>
  cli.show(json, () => {
    const node = understood(nodeSchema, json);
    const until = node.drainDeadlineAt === null ? '' : `, until ${localTime(node.drainDeadlineAt) ?? ''} at the latest`;
    cli.printer.line(`${node.id}  ${node.adminState}, ${count(jobsOn(node), 'job')} on it${until}`);
  });

export const drainCommand = (cli: Cli): Command =>
  new Command('drain').description('give a node no new jobs; what runs there finishes').argument('<id>', 'id of the node')
    .option('--deadline <time>', 'give back what still runs after this (30, 90s, 5m, 1h); it runs again elsewhere', seconds)
    .option('--wait', 'end when no job is left on it')
    .option('--timeout <time>', 'with --wait: wait no longer than this (30, 90s, 5m, 1h)', seconds)
    .action(async (id: string, { deadline, wait = false, timeout }: { deadline?: number; wait?: boolean; timeout?: number }) => {
      const api = await cli.api();
      const json = (await api.call('POST', `${path(id)}/drain`, { body: deadline === undefined ? {} : { deadlineSeconds: Math.ceil(deadline) } })).json;
      say(cli, wait ? await untilEmpty(cli, api, id, timeout) : json);
    });

export const resumeCommand = (cli: Cli): Command =>
  new Command('resume').description('give a node jobs again').argument('<id>', 'id of the node').action(async (id: string) => {
    say(cli, (await (await cli.api()).call('POST', `${path(id)}/resume`, { body: {} })).json);
  });

export const cordonCommand = (cli: Cli): Command =>
  new Command('cordon').description('give a node no new jobs, without telling it').argument('<id>', 'id of the node').action(async (id: string) => {
    say(cli, (await (await cli.api()).call('POST', `${path(id)}/cordon`, { body: {} })).json);
  });

/** Answers the node once nothing is on it; looks at each change of a job or a node. @throws TimedOut */
const untilEmpty = async (cli: Cli, api: ApiClient, id: string, timeoutSeconds: number | undefined): Promise<unknown> => {
  const line = new ProgressLine(cli.io);
  const controller = new AbortController();
  const callOff = timeoutSeconds === undefined ? undefined : cli.io.clock.after(timeoutSeconds * 1000, () => controller.abort());
  const events = live(api, '/api/media/events?topics=jobs,nodes', {
    clock: cli.io.clock, retryForMs: RETRY_FOR_MS, signal: controller.signal, onInterrupted: (why) => line.note(`${why}; trying again`),
  });
  try {
    for await (const message of events) {
      if (message.kind === 'event' && !['job', 'node', 'reset'].includes(parseLive(message.event, message.data)?.event ?? '')) continue;
      const json = await api.get(path(id));
      const left = jobsOn(understood(nodeSchema, json));
      if (left === 0) return json;
      line.show(0, `draining, ${count(left, 'job')} left`);
    }
  } finally {
    callOff?.();
    controller.abort();
    line.end();
  }
  throw new TimedOut(`Jobs are left on ${id} after ${duration(timeoutSeconds ?? 0)}; it goes on draining`);
};
