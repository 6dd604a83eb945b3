import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { nodeInboxPrefix } from '@reelay/contracts';
import { acquireGuardian, type App, Ctx, newId, openSettings, redactUrl, runMain, Shutdown } from '@reelay/runtime';
import { connectBus, LiveCredentials } from '@reelay/runtime/bus';
import { Supervisor, sweepOrphans } from '@reelay/runtime/supervisor';
import { Agent } from './agent.ts';
import { Scratch } from './host/scratch.ts';
import { agentSettings } from './settings.ts';

const VERSION = '0.1.0';
const here = dirname(fileURLToPath(import.meta.url));

async function start(app: App): Promise<void> {
  const { logger, clock, env } = app;
  const live = openSettings(app, agentSettings);
  const settings = live.values;
  const runId = newId();
  const run = { dir: settings.REELAY_WORK_DIR, id: runId };

  const guardian = await acquireGuardian({ dir: run.dir, name: 'node-agent', graceMs: settings.REELAY_KILL_GRACE_MS, runId, env });
  app.onStop('lock', () => guardian.release());
  void guardian.lost.then(() => app.stop(new Shutdown('the instance lock was lost'), 70));

  const orphans = await sweepOrphans(run.dir, runId);
  if (orphans.length > 0) logger.warn({ pids: orphans }, 'ended what an earlier run left behind');
  const scratch = new Scratch(run.dir, runId);
  await scratch.open();
  app.onStop('scratch', () => scratch.close());

  const supervisor = new Supervisor({ logger, clock, guardian, run, env });
  app.onKill(() => supervisor.killAll());
  app.onStop('children', () => supervisor.terminateAll(new Shutdown('the node stops'), 500), 3_000);

  const nodeId = settings.REELAY_NODE_ID;
  logger.info({ nodeId, nats: redactUrl(settings.NATS_URL) }, 'connecting');
  const bus = await connectBus({ url: settings.NATS_URL, credsPath: () => settings.REELAY_NATS_CREDS, name: `node-agent ${nodeId}`, inboxPrefix: nodeInboxPrefix(nodeId), logger, waitMs: Infinity });
  app.onStop('bus', () => bus.close(1_000), 1_500);
  const credentials = new LiveCredentials({ bus, url: settings.NATS_URL, path: settings.REELAY_NATS_CREDS, logger });
  live.use((next) => credentials.prepare(next.REELAY_NATS_CREDS));

  const agent = new Agent({
    settings, bus, supervisor, scratch, clock, logger, version: VERSION,
    // Also names the run's processes and scratch folders.
    incarnation: runId,
    jobProgram: settings.REELAY_JOB_PROCESS ?? join(here, 'job-process.js'),
    onSuperseded: () => app.stop(new Shutdown('another agent with this node id took over')),
  });
  // A context of its own: app.ctx ends at the first signal, but jobs are ended one by one so that each is given back.
  const ctx = Ctx.root('agent');
  app.onStop('agent', () => agent.stop(), 8_000);
  live.use((next, before) => (isDeepStrictEqual(next, before) ? undefined : { commit: () => agent.reconfigured() }));
  await agent.start(ctx);
  app.ready({ nodeId });
}

await runMain({ name: 'node-agent', env: process.env, argv: process.argv.slice(2), stopMs: 10_000 }, start);
