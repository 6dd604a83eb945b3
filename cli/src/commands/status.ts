import { jobStatsSchema, nodeListSchema, type Ready, readySchema } from '@reelay/contracts';
import { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { ApiClient, understood } from '../connection/api-client.ts';
import { findToken, type Gateway } from '../connection/gateway.ts';
import { ApiRefusal, Unreachable } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { findServices, type Instance } from '../instance/instance.ts';
import { duration, localTime } from '../output/words.ts';
import { nodeColumns } from './nodes/ls.ts';

const CHECK_MS = 5_000;
const LEADS = /^reelay_queue_metrics_up (\d)/m;

interface Status {
  state: 'ok' | 'degraded' | 'not running';
  url: string;
  dataDir: string;
  process: { pid: number; startedAt: string; uptimeSeconds: number; version: string | null } | null;
  /** Parts of the system, or services that were started by themselves. */
  services: { name: string; pid: number; startedAt: string; uptimeSeconds: number }[];
  /** What /readyz says; null when the gateway does not answer. */
  ready: Ready | null;
  why: string | null;
  /** Whether a scheduler leads; null when the gateway would not say. */
  leader: boolean | null;
  /** As the API gives them; null without a sign-in. */
  stats: unknown;
  nodes: unknown;
}

/** /readyz answers 503 with the same facts. */
const readiness = async (url: string): Promise<Ready> => {
  let response: Response;
  try {
    response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(CHECK_MS) });
  } catch (error) {
    // The client knows how to say why.
    await new ApiClient(url, null).call('GET', '/healthz', { limitMs: CHECK_MS });
    throw error;
  }
  return understood(readySchema, await response.json().catch(() => null));
};

const leads = async (api: ApiClient): Promise<boolean | null> => {
  try {
    const response = await api.open('GET', '/metrics', { headers: { accept: 'text/plain' }, limitMs: CHECK_MS });
    const found = LEADS.exec(await response.text());
    return found === null ? null : found[1] === '1';
  } catch {
    return null;
  }
};

/** Null where it needs a sign-in that is not there or does not suffice. */
const ifAllowed = async (api: ApiClient, path: string): Promise<unknown> => {
  try {
    return (await api.call('GET', path, { limitMs: CHECK_MS })).json;
  } catch (error) {
    if (error instanceof ApiRefusal || error instanceof Unreachable) return null;
    throw error;
  }
};

/** What runs is told also when the sign-in cannot be read. */
const tokenOrNull = async (cli: Cli, url: string): Promise<string | null> => {
  try {
    return (await findToken(cli.io, cli.options.tokenFile, url))?.token ?? null;
  } catch (error) {
    cli.printer.warn(error instanceof Error ? error.message : String(error));
    return null;
  }
};

const secondsSince = (iso: string, cli: Cli): number => (cli.io.clock.now().getTime() - new Date(iso).getTime()) / 1000;

const look = async (cli: Cli, gateway: Gateway, instance: Instance | null): Promise<Status> => {
  const { url } = gateway;
  const isHere = gateway.source === 'the system that runs here' || gateway.source === 'the default';
  const local = isHere ? instance : null;
  const services = isHere ? (await findServices(cli.place, cli.io.env)).map(({ name, owner: { pid, startedAt } }) => ({ name, pid, startedAt, uptimeSeconds: secondsSince(startedAt, cli) })) : [];
  const seen: Status = {
    state: 'not running', url, dataDir: cli.place.dataDir, ready: null, why: null, leader: null, stats: null, nodes: null, services,
    process: local === null ? null : {
      pid: local.pid, startedAt: local.startedAt, version: local.facts?.version ?? null,
      uptimeSeconds: secondsSince(local.startedAt, cli),
    },
  };
  try {
    seen.ready = await readiness(url);
  } catch (error) {
    seen.why = error instanceof Error ? error.message : String(error);
    return { ...seen, state: local === null && services.length === 0 ? 'not running' : 'degraded' };
  }
  const api = new ApiClient(url, await tokenOrNull(cli, url));
  const [leader, stats, nodes] = await Promise.all([leads(api), ifAllowed(api, '/api/media/jobs/stats'), ifAllowed(api, '/api/media/nodes')]);
  return { ...seen, state: seen.ready.status === 'ok' && leader !== false ? 'ok' : 'degraded', leader, stats, nodes };
};

const tell = (cli: Cli, status: Status): void => {
  const { ready, process: running } = status;
  const stats = status.stats === null ? null : understood(jobStatsSchema, status.stats);
  cli.printer.fields([
    ['state', status.state, status.state === 'ok' ? 'good' : status.state === 'degraded' ? 'warn' : 'bad'],
    ['why', status.why, 'bad'],
    ['address', status.url],
    ['system', running === null ? null : `${running.pid}, up ${duration(running.uptimeSeconds)} (since ${localTime(running.startedAt) ?? ''})`],
    ...status.services.map(({ name, pid, startedAt, uptimeSeconds }) => [name, `${pid}, up ${duration(uptimeSeconds)} (since ${localTime(startedAt) ?? ''})`] as const),
    ['version', running?.version],
    ['data folder', running === null && status.services.length === 0 ? null : status.dataDir],
    ...Object.entries(ready?.checks ?? {}).map(([name, { ok, detail }]) => [name, ok ? 'ok' : (detail ?? 'not ok'), ok ? 'good' : 'bad'] as const),
    ['leader', status.leader === null ? null : status.leader ? 'a scheduler leads' : 'no scheduler leads: no job is placed', status.leader === false ? 'bad' : 'good'],
    ['nodes', ready === null ? null : `${ready.nodes.healthy} of ${ready.nodes.total} healthy`, ready !== null && ready.nodes.healthy === 0 ? 'bad' : 'plain'],
    ['jobs', stats === null ? null : `${stats.pending} pending, ${stats.queued} queued, ${stats.running} running, ${stats.paused} paused, ${stats.failed} failed`],
  ]);
  if (stats === null && ready !== null) cli.printer.note('Sign in (reelay login) to see the queue and the nodes.');
  const nodes = status.nodes === null ? [] : understood(nodeListSchema, status.nodes).data;
  if (nodes.length === 0) return;
  cli.printer.line();
  cli.printer.table(nodeColumns(cli.io.clock.now()), nodes);
};

export const statusCommand = (cli: Cli): Command =>
  new Command('status').description('what runs, since when, and whether it is well').action(async () => {
    const instance = await cli.instance();
    const gateway = await cli.gateway();
    const status = await look(cli, gateway, instance);
    const named = gateway.source === '--url' || gateway.source === 'REELAY_URL';
    cli.exitCode = status.state === 'ok' ? EXIT.ok : status.state === 'degraded' ? EXIT.failure : named ? EXIT.unreachable : EXIT.notRunning;
    cli.show(status, () => {
      if (status.state === 'not running' && !named) cli.printer.line(`Reelay does not run on ${status.dataDir}.`);
      else tell(cli, status);
    });
  });
