import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { nodeInboxPrefix } from '@reelay/contracts';
import { acquireGuardian, type App, Cause, Ctx, ensureWritableFolder, EXIT_CODES, newId, openSettings, readSettings, redactUrl, runMain, Shutdown } from '@reelay/runtime';
import { connectBus, LiveCredentials } from '@reelay/runtime/bus';
import { Supervisor, sweepLeftovers } from '@reelay/runtime/supervisor';
import { Agent } from './agent.ts';
import { openCgroups } from './host/cgroups.ts';
import { Scratch } from './host/scratch.ts';
import { agentSettings } from './settings.ts';
import { checkTools } from './startup/tools.ts';

/** Two agents with one id: the newest wins, and this one must not come back by itself. */
class Superseded extends Cause {
  readonly code = 'superseded';
  constructor(nodeId: string) {
    super(`another agent with the node id ${nodeId} took over; give one of the two another REELAY_NODE_ID, then start this one again`, { nodeId });
  }
}

const VERSION = '0.1.0';
const here = dirname(fileURLToPath(import.meta.url));

async function start(app: App): Promise<void> {
  const { logger, clock, env, ctx } = app;
  const live = openSettings(app, agentSettings);
  const settings = live.values;
  const runId = newId();
  const run = { dir: settings.REELAY_WORK_DIR, id: runId };

  const guardian = await app.open('instance lock', () => acquireGuardian({ dir: run.dir, name: app.name, runId, ctx, clock, env }), (opened) => opened.release(), 0.2);
  void guardian.lost.then(() => app.stop(new Shutdown('the process that guards the children ended'), EXIT_CODES.crashed));
  await ensureWritableFolder(run.dir, 'REELAY_WORK_DIR');

  const { ended, stuckRuns } = await sweepLeftovers(run, { clock });
  if (ended.length > 0) logger.warn({ ended }, 'ended what an earlier run left behind');
  if (stuckRuns.length > 0) logger.error({ runs: stuckRuns }, 'an earlier run cannot be ended, its files stay');
  const scratch = new Scratch(run.dir, runId);
  await app.open('scratch', () => scratch.open(stuckRuns), () => scratch.close());

  const supervisor = new Supervisor({ logger, clock, guardian, run, env, cgroups: openCgroups(logger, clock) });
  app.onKill(() => supervisor.killAll());
  app.onStop('children', () => supervisor.terminateAll(new Shutdown('the node stops'), 500), 0.3);
  app.onDescribe('children', () => supervisor.stats());

  const nodeId = settings.REELAY_NODE_ID;
  logger.info({ nodeId, nats: redactUrl(settings.NATS_URL) }, 'connecting');
  const tools = checkTools(ctx, supervisor, settings);
  const connecting = app.open('bus', () => connectBus({
    url: settings.NATS_URL, credsPath: () => settings.REELAY_NATS_CREDS, name: `node-agent ${nodeId}`, inboxPrefix: nodeInboxPrefix(nodeId), logger, clock, ctx, waitMs: Infinity,
  }), (opened) => opened.close(1_000), 0.2);
  const [bus] = await Promise.all([connecting, tools]);
  const credentials = new LiveCredentials({ bus, url: settings.NATS_URL, path: settings.REELAY_NATS_CREDS, logger });
  live.use((next) => credentials.prepare(next.REELAY_NATS_CREDS));

  const agent = new Agent({
    settings, bus, supervisor, scratch, clock, logger, version: VERSION,
    // Also names the run's processes and scratch folders.
    incarnation: runId,
    jobProgram: settings.REELAY_JOB_PROCESS ?? join(here, 'job-process.js'),
    onWelcomed: () => app.tell({ welcomed: true }),
    onSuperseded: () => app.stop(new Superseded(nodeId), EXIT_CODES.superseded),
  });
  app.onStop('agent', () => agent.stop(), 0.8);
  live.use((next, before) => (isDeepStrictEqual(next, before) ? undefined : { commit: () => agent.reconfigured() }));
  // A context of its own: app.ctx ends at the first signal, but jobs are ended one by one so that each is given back.
  await agent.start(Ctx.root('agent'));
  ctx.throwIfCancelled();
  app.ready({ nodeId });
}

const dataDir = () => readSettings(agentSettings, { env: process.env }).REELAY_WORK_DIR;
await runMain({ name: 'node-agent', env: process.env, argv: process.argv.slice(2), dataDir }, start);
