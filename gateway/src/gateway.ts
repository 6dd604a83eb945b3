import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { type Clock, type Ctx, KilledByHand, type LibraryRoot, type Logger, newId, type ReleaseStack, type SigningKeys } from '@reelay/runtime';
import type { Bus } from '@reelay/runtime/bus';
import type { Sql } from '@reelay/store';
import { ViewAccess } from './access/view-access.ts';
import { createApp } from './app.ts';
import { openCache } from './cache/open-cache.ts';
import type { GatewayDeps } from './deps.ts';
import type { App } from './http/env.ts';
import type { StaticFiles } from './http/static-files.ts';
import { sseText } from './hub/events.ts';
import { Hints } from './hub/hints.ts';
import { Hub } from './hub/hub.ts';
import { LiveJobs } from './hub/live-jobs.ts';
import { Outbox } from './hub/outbox.ts';
import { streamKey } from './hub/render.ts';
import { SignInWatch } from './hub/sign-in-watch.ts';
import { ProgressFeed } from './hub/progress-feed.ts';
import { endSessionsOf, noteRun } from './sessions/earlier-run.ts';
import { EncodedStreams } from './sessions/encoded-streams.ts';
import { LivePipes } from './sessions/live-pipes.ts';
import type { StreamEvents } from './sessions/session-deps.ts';
import { Sessions } from './sessions/sessions.ts';
import { LockHints } from './locks/lock-hints.ts';
import { LockSweep } from './locks/lock-sweep.ts';
import { ReadLocks } from './locks/read-locks.ts';
import { WriteLocks } from './locks/write-locks.ts';
import { AllStreams } from './registry/all-streams.ts';
import { StreamAnnouncer } from './registry/announcer.ts';
import { StreamDirectory } from './registry/directory.ts';
import { StreamJournal } from './registry/journal.ts';
import { Drain } from './server/drain.ts';
import { HttpMetrics } from './server/http-metrics.ts';
import { Requests } from './server/requests.ts';
import { registerStreamMetrics } from './server/stream-metrics.ts';
import type { GatewaySettings } from './settings.ts';
import { PartJournal } from './uploads/part-journal.ts';
import { UploadLocks } from './uploads/upload-locks.ts';
import { PackageCache } from './videos/package-cache.ts';

export interface GatewayResources {
  settings: GatewaySettings;
  sql: Sql;
  bus: Bus;
  library: LibraryRoot;
  keys: SigningKeys;
  logger: Logger;
  clock: Clock;
  web: StaticFiles | null;
  /** False in tests: the process's own metrics can be registered only once. */
  processMetrics: boolean;
}

const MIB = 1024 ** 2;
const PACKAGES_BYTES = 192 * MIB;

/** The gateway without its socket: hub, outbox reader and application, started. Its parts stop with `release`. */
export const startGateway = async (ctx: Ctx, release: Pick<ReleaseStack, 'start' | 'push'>, resources: GatewayResources): Promise<{ app: App; deps: GatewayDeps }> => {
  const { sql, bus, clock, logger, library, keys, settings } = resources;
  const hub: Hub = new Hub({
    maxClients: 10_000, maxBytesPerClient: 4 * MIB, writeDeadlineMs: 30_000, maxAgeMs: 3_600_000, onLeave: (_client, reason) => metrics.liveClientLeft(reason),
  });
  const metrics = new HttpMetrics({ liveClients: () => hub.size, processMetrics: resources.processMetrics });
  const live = new LiveJobs();
  const views = new ViewAccess({ sql, keys, clock });
  const gateway = { id: newId(), name: settings.REELAY_GATEWAY_NAME ?? `${hostname()}:${settings.PORT}` };
  const directory = new StreamDirectory(gateway.id, {
    onStream: (stream) => hub.broadcast({ kind: 'progress', topic: 'streams', owner: null, key: streamKey(stream.id), text: sseText({ event: 'stream', data: { stream, change: 'changed' } }) }),
    onLost: (end) => hub.broadcast({ kind: 'progress', topic: 'streams', owner: null, key: streamKey(end.id), text: sseText({ event: 'stream-ended', data: end }) }),
  });
  const outbox = new Outbox({ sql, bus, hub, live, stream: (id) => directory.get(id), clock, logger, onVideo: (id) => views.forgetVideo(id) });
  const feed = new ProgressFeed({ sql, bus, hub, live, clock, logger });
  await release.start(outbox, ctx);
  await release.start(feed, ctx);
  const signIns = new SignInWatch({ sql, hub, clock, logger });
  await release.start(signIns, ctx);
  const uploads = new UploadLocks({ sql, bus, clock, logger, newId });
  await release.start(uploads, ctx);
  const drain = new Drain();
  drain.onMove(() => hub.move(Math.random));
  const hints = new Hints(bus, () => views.forgetVideos());
  const locks = await startLocks(ctx, release, resources, live, gateway);
  const runDir = resolve(settings.REELAY_RUN_DIR ?? settings.REELAY_DATA_DIR);
  const streams = await startStreams(ctx, release, resources, { gateway, runDir, reads: locks.reads, metrics, directory, hints });
  drain.onMove(() => streams.sessions.leave());
  const parts = await PartJournal.open(join(runDir, 'uploads'), library);
  release.push('parts of uploads', () => parts.settled());
  const deps: GatewayDeps = {
    ...resources, ...locks, newId, hub, outbox, live, views, metrics, signIns, uploads, drain, ...streams,
    parts,
    requests: new Requests(),
    hints,
    directory,
    packages: new PackageCache({ sql, library, maxBytes: PACKAGES_BYTES }),
  };
  return { app: createApp(deps), deps };
};

/** What is encoded for viewers, and the cache it goes to. */
const startStreams = async (
  ctx: Ctx, release: Pick<ReleaseStack, 'start'>, resources: GatewayResources,
  { gateway, runDir, reads, metrics, directory, hints }: { gateway: { id: string; name: string }; runDir: string; reads: ReadLocks; metrics: HttpMetrics; directory: StreamDirectory; hints: Hints },
): Promise<Pick<GatewayDeps, 'cache' | 'sessions' | 'pipes' | 'encoded' | 'allStreams'>> => {
  const { sql, bus, library, keys, clock, logger, settings } = resources;
  const cache = await openCache(settings, { clock, logger, newId });
  const nodes = { bus, keys, clock, logger, newId, gateway, gatewayUrl: settings.REELAY_NODES_URL?.replace(/\/+$/, '') ?? null, library };
  const journal = new StreamJournal({ sql, clock, logger, gateway: gateway.name, onWritten: () => hints.outbox() });
  await release.start(journal, ctx);
  const events: StreamEvents = { onOpen: (stream) => announcer.opened(stream), onEnd: (stream, cause) => announcer.ended(stream, cause) };
  const sessions = new Sessions({ ...nodes, events, cache, reads });
  const pipes: LivePipes = new LivePipes({ ...nodes, events, makeRoom: () => sessions.makeRoom() });
  const own = {
    list: () => [...sessions.list(), ...pipes.list()],
    end: async (id: string, by: string) => pipes.end(id, new KilledByHand(by)) ?? (await sessions.end(id, by)),
  };
  const announcer: StreamAnnouncer = new StreamAnnouncer({ bus, clock, directory, journal, gateway, ...own });
  const allStreams = new AllStreams({ bus, sql, clock, directory, gatewayId: gateway.id, ...own, ended: (stream, cause) => announcer.ended(stream, cause) });
  await release.start(announcer, ctx);
  await release.start(sessions, ctx);
  const earlierId = await noteRun(join(runDir, 'gateway-run'), gateway.id);
  // Nobody waits for it: whoever comes back has a place as soon as it is done.
  if (earlierId !== null) void endSessionsOf(resources, earlierId);
  registerStreamMetrics(metrics.registry, { cache: () => cache.stats(), streams: () => sessions.size, pipes: () => pipes.size });
  return { cache, sessions, pipes, allStreams, encoded: new EncodedStreams(sql) };
};

/** The locks of files; waiting for one ends first when the gateway stops, then what is held is given back. */
const startLocks = async (
  ctx: Ctx, release: Pick<ReleaseStack, 'start'>, { sql, bus, library, clock, logger, settings }: GatewayResources, live: LiveJobs, gateway: { id: string; name: string },
): Promise<Pick<GatewayDeps, 'reads' | 'writes'>> => {
  const hints = new LockHints({ bus, clock });
  const reads = new ReadLocks({ sql, clock, logger, hints, gateway, lingerMs: settings.REELAY_VIEWER_LINGER_SECONDS * 1000 });
  await release.start(new LockSweep({ sql, library, clock, logger }), ctx);
  await release.start(reads, ctx);
  await release.start(hints, ctx);
  return { reads, writes: new WriteLocks({ sql, clock, hints, live }) };
};
