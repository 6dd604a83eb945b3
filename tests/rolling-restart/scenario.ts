/** Viewers, listeners, API requests and uploads through nginx while its two gateways are restarted or killed. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Playback, Video } from '@reelay/contracts';
import { ReleaseStack } from '@reelay/runtime';
import { openDatabase, type Sql } from '@reelay/store';
import { type Edge, startEdge } from '../kit/edge.ts';
import { pause } from '../kit/eventually.ts';
import { GatewayProcess } from '../kit/gateway-process.ts';
import { Randomness } from '../kit/random.ts';
import { startSystem, type System } from '../kit/system.ts';
import { Client } from '../system/client.ts';
import { makeClip } from '../system/clips.ts';
import { type ApiLoad, loadApi } from './api-load.ts';
import { type Heard, listen } from './listeners.ts';
import { Tally } from './tally.ts';
import { type Sent, sendUploads } from './uploads.ts';
import { watch, type Watched } from './viewers.ts';

const DRAIN_SECONDS = 5;
/** Ample, for machines that are busy with other things: then an answer may take seconds. */
const SHUTDOWN_SECONDS = 30;
/** Public ones are cached by nginx, the others come from their gateway each time. */
const CLIPS = 4;
const CLIP_SECONDS = 60;

export interface Load {
  viewers: number;
  listeners: number;
  requestsPerSecond: number;
  uploads: number;
}

export interface Result {
  tally: Tally;
  watched: Watched;
  heard: Heard[];
  api: ApiLoad;
  sent: Sent[];
  /** From the signal to the end, of each stop. */
  stopsMs: number[];
  exits: (number | string | null)[];
}

interface Parts {
  readonly system: System;
  readonly client: Client;
  readonly sql: Sql;
  readonly edge: Edge;
  readonly gateways: readonly [GatewayProcess, GatewayProcess];
  readonly clip: string;
  readonly playbacks: readonly Playback[];
}

export class Scenario {
  readonly #parts: Parts;
  readonly #release: ReleaseStack;

  private constructor(parts: Parts, release: ReleaseStack) {
    this.#parts = parts;
    this.#release = release;
  }

  get edge(): Edge {
    return this.#parts.edge;
  }

  get gateways(): readonly [GatewayProcess, GatewayProcess] {
    return this.#parts.gateways;
  }

  get sql(): Sql {
    return this.#parts.sql;
  }

  /** A system, two gateways beside its own, nginx in front of them, and videos to watch. */
  static async start(): Promise<Scenario> {
    const release = new ReleaseStack();
    try {
      return new Scenario(await open(release), release);
    } catch (error) {
      await release.release().catch(() => {});
      throw error;
    }
  }

  /** Loads the gateways while `disturb` runs, and goes on until a little after it. */
  async run(load: Load, seed: number, disturb: (during: { stopsMs: number[]; exits: Result['exits']; tally: Tally }) => Promise<void>): Promise<Result> {
    const [tally, random, stop, quiet] = [new Tally(), new Randomness(seed), new AbortController(), new AbortController()];
    const common = { baseUrl: this.edge.baseUrl, token: this.#parts.client.token, tally, random, stop: stop.signal };
    const during = { stopsMs: [], exits: [], tally };
    const content = await readFile(this.#parts.clip);
    const listening = listen({ ...common, count: load.listeners, stop: quiet.signal });
    const work = Promise.all([
      watch({ ...common, playbacks: this.#parts.playbacks, count: load.viewers }),
      loadApi({ ...common, perSecond: load.requestsPerSecond }),
      sendUploads({ ...common, count: load.uploads, patchMs: 1_500, bytesPerSecond: 10_000, content }),
    ]);
    await pause(8_000);
    await disturb(during);
    await pause(5_000);
    stop.abort();
    const [watched, api, sent] = await work;
    await this.#quiet();
    quiet.abort();
    return { ...during, watched, heard: await listening, api, sent };
  }

  /** Stops one gateway and starts it again; resolves when nginx sends requests to it. */
  async restart(gateway: GatewayProcess, during: { stopsMs: number[]; exits: Result['exits'] }, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const startedMs = performance.now();
    during.exits.push(await gateway.stop(signal));
    during.stopsMs.push(Math.round(performance.now() - startedMs));
    await gateway.start();
    // Readiness is what an operator waits for.
    while (!(await fetch(`http://${gateway.address}/readyz`).then(({ ok }) => ok, () => false))) await pause(100);
  }

  /** No job is open any more, so no event is on its way. */
  async #quiet(): Promise<void> {
    for (;;) {
      const [row] = await this.sql<{ open: number }[]>`select count(*)::int as open from jobs where status in ('pending', 'queued', 'running')`;
      if (row?.open === 0) break;
      await pause(200);
    }
    await pause(1_000);
  }

  /** Ids of all events of the outbox after `from`, in their order. */
  async eventsAfter(from: string): Promise<string[]> {
    const [xid = '0', id = '0'] = from.split('.');
    const rows = await this.sql<{ id: string }[]>`
      select xid || '.' || id as id from audit where topic in ('jobs', 'videos', 'nodes') and (xid, id) > (${xid}::text::xid8, ${id}::text::bigint) order by xid, id`;
    return rows.map((row) => row.id);
  }

  /** SHA-256 of the file that lies in the library for a video. */
  async digestOf(videoId: string): Promise<string> {
    const { path } = await this.#parts.client.video(videoId);
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(join(this.#parts.system.libraryRoot, path))) hash.update(chunk as Buffer);
    return hash.digest('hex');
  }

  stop(): Promise<void> {
    return this.#release.release();
  }
}

const STOP_MS = 60_000;

const open = async (release: ReleaseStack): Promise<Parts> => {
  const folder = await mkdtemp(join(tmpdir(), 'reelay-rolling-'));
  release.push('clips', () => rm(folder, { recursive: true, force: true }), STOP_MS);
  const system = await startSystem();
  release.push('system', () => system.stop(), STOP_MS);
  const env = { REELAY_DRAIN_SECONDS: String(DRAIN_SECONDS), SHUTDOWN_TIMEOUT: String(SHUTDOWN_SECONDS), REELAY_TRUST_PROXY: '1' };
  const gateways = [await GatewayProcess.beside(system, 'a', env), await GatewayProcess.beside(system, 'b', env)] as const;
  for (const gateway of gateways) release.push(gateway.name, async () => void (await gateway.stop('SIGKILL')), STOP_MS);
  await Promise.all(gateways.map((gateway) => gateway.start()));
  const edge = await startEdge([gateways[0].address, gateways[1].address]);
  release.push('nginx', () => edge.stop(), STOP_MS);
  const client = new Client(edge.baseUrl);
  await client.login('admin', system.adminPassword);
  const sql = openDatabase({ url: system.environmentOf('scheduler').DATABASE_URL ?? '', applicationName: 'test', maxConnections: 2 });
  release.push('database', () => sql.end({ timeout: 1 }));
  const clip = await makeClip(join(folder, 'clip.mkv'), { seconds: CLIP_SECONDS, size: '320x180' });
  const playbacks = await Promise.all(Array.from({ length: CLIPS }, (_, n) => playable(client, clip, n)));
  return { system, client, sql, edge, gateways, clip, playbacks };
};

const playable = async (client: Client, clip: string, n: number): Promise<Playback> => {
  const { body } = await client.upload(clip, `stream ${n}.mkv`);
  await client.untilVideo(body.id, (video: Video) => video.valid !== null && video.thumbnailPath !== null, 120_000);
  if (n % 2 === 0) await client.ok('PATCH', `/api/media/videos/${body.id}`, { isPublic: true });
  const playback = await client.ok<Playback>('GET', `/api/media/videos/${body.id}/playback`);
  if (playback.mode !== 'remux') throw new Error(`the clip is played by ${playback.mode}: ${playback.reason}`);
  return playback;
};
