/** Real Postgres, real NATS in operator mode, a library folder, and schedulers and agents that tests can start and break. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { JobStatus } from '@reelay/contracts';
import { createLogger, ensureLibraryId, LibraryRoot, newId, SigningKeys, systemClock } from '@reelay/runtime';
import { type Bus, connectBus } from '@reelay/runtime/bus';
import { type JobRow, insertVideo, inTransaction, readJob, type Sql, type VideoRow } from '@reelay/store';
import { createTestDatabase, stopTestServer, type TestDatabase } from '@reelay/store/testing';
import { vi } from 'vitest';
import { startTestNats, type TestNats } from '../../tests/kit/nats.ts';
import type { Deps } from '../src/deps.ts';
import { Hints } from '../src/hints.ts';
import { Scheduler } from '../src/scheduler.ts';
import type { Timing } from '../src/timing.ts';
import { FakeAgent, type FakeAgentOptions } from './fake-agent.ts';

const QUICK: Timing = {
  heartbeatMs: 60_000, silentMs: 121_000, leaseMs: 600_000, graceMs: 0, leaderTtlMs: 2_000, sweepMs: 100, retryUnitMs: 20, offerMs: 300, resendMs: 300, intentMs: 0,
};

export class World {
  readonly library: LibraryRoot;
  readonly libraryId: string;
  readonly nats: TestNats;
  readonly database: TestDatabase;
  readonly logger = createLogger({ service: 'test', level: process.env.TEST_LOG ? 'debug' : 'silent' });
  /** Of streams that are encoded for viewers. */
  fleetLimit: number | undefined;
  readonly #schedulers: { scheduler: Scheduler; bus: Bus }[] = [];
  readonly #agents: FakeAgent[] = [];

  private constructor(nats: TestNats, database: TestDatabase, library: LibraryRoot, libraryId: string) {
    this.nats = nats;
    this.database = database;
    this.library = library;
    this.libraryId = libraryId;
  }

  static async create(nats: TestNats): Promise<World> {
    const folder = await mkdtemp(join(tmpdir(), 'reelay-library-'));
    const library = await LibraryRoot.open(folder);
    return new World(nats, await createTestDatabase(), library, await ensureLibraryId(library.path, newId()));
  }

  get sql(): Sql {
    return this.database.sql;
  }

  async deps(over: Partial<Timing> = {}): Promise<Deps> {
    const bus = await connectBus({ url: this.nats.url, credsPath: this.nats.keys.paths.hubCreds, name: 'scheduler', logger: this.logger });
    return {
      sql: this.sql, bus, library: this.library, libraryId: this.libraryId, keys: SigningKeys.open(`${this.library.path}.key`, systemClock), logger: this.logger, clock: systemClock, newId,
      hints: new Hints(bus, this.logger), timing: { ...QUICK, ...over }, fleetLimit: () => this.fleetLimit,
    };
  }

  async scheduler(over: Partial<Timing> = {}): Promise<Scheduler> {
    const deps = await this.deps(over);
    const scheduler = new Scheduler(deps, newId());
    this.#schedulers.push({ scheduler, bus: deps.bus });
    await scheduler.start();
    return scheduler;
  }

  async agent(nodeId: string, over: Partial<FakeAgentOptions> = {}): Promise<FakeAgent> {
    const credsPath = await this.nats.keys.createNodeCreds(nodeId);
    const agent = await FakeAgent.connect(this, nodeId, credsPath, over);
    this.#agents.push(agent);
    return agent;
  }

  /** A video with a file of that content. */
  async video(path: string, content = 'a film'): Promise<VideoRow> {
    await mkdir(dirname(this.library.resolve(path)), { recursive: true });
    await writeFile(this.library.resolve(path), content);
    const video = await inTransaction(this.sql, (tx) => insertVideo(tx, { id: newId(), title: 'Film', path, sizeBytes: content.length, mtimeMs: 0, inode: '' }, 'tester'));
    if (!video) throw new Error('the video exists');
    return video;
  }

  /** Names of all files in the library, hidden ones too. */
  async files(): Promise<string[]> {
    const entries = await readdir(this.library.path, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile() && entry.name !== '.reelay-library')
      .map((entry) => join(entry.parentPath, entry.name).slice(this.library.path.length + 1)).toSorted();
  }

  async job(id: string): Promise<JobRow> {
    const row = await readJob(this.sql, id);
    if (!row) throw new Error('no such job');
    return row;
  }

  /** Waits until the job has the status. */
  until(id: string, status: JobStatus, check: (job: JobRow) => boolean = () => true): Promise<JobRow> {
    return this.eventually(async () => {
      const job = await this.job(id);
      if (job.status !== status || !check(job)) throw new Error(`job is ${job.status}, epoch ${job.epoch}, ${job.errorMessage ?? ''}`);
      return job;
    });
  }

  /** As if nothing had been heard of the node for an hour. */
  async silence(nodeId: string): Promise<void> {
    await this.sql`update nodes set last_seen_at = now() - interval '1 hour' where id = ${nodeId}`;
    await this.sql`update jobs set lease_until = now() - interval '1 second' where node_id = ${nodeId}`;
  }

  eventually<T>(check: () => T | Promise<T>): Promise<T> {
    return vi.waitFor(check, { timeout: 50_000, interval: 10 });
  }

  async close(): Promise<void> {
    for (const agent of this.#agents) await agent.close();
    for (const { scheduler, bus } of this.#schedulers) {
      await scheduler.stop();
      await bus.close();
    }
    await this.database.drop();
    await rm(this.library.path, { recursive: true, force: true });
    await rm(`${this.library.path}.key`, { force: true });
  }
}

/** The servers shared by the worlds of one test file. */
export const startServers = async (): Promise<{ nats: TestNats; stop: () => Promise<void> }> => {
  const nats = await startTestNats();
  return {
    nats,
    stop: async () => {
      await nats.stop();
      await stopTestServer();
    },
  };
};
