/** Random interleavings of readers, jobs, writers and lost leases on real Postgres, against a model of a few lines. */
import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { inTransaction, type Sql } from '../db.ts';
import type { JobRow } from '../jobs/row.ts';
import { createTestDatabase, placeJob, stopTestServer, testJob, testLease, testNode, type TestDatabase } from '../testing.ts';
import { insertVideo } from '../videos/insert.ts';
import type { VideoRow } from '../videos/row.ts';
import { dropAttemptReads, grantReads } from './attempt-reads.ts';
import { type FileKey, filesOf, videoFile } from './file-key.ts';
import { dropReads, renewReads, takeRead } from './gateway-reads.ts';
import { endWrite, reclaimReads, requestWrite, retryWrite } from './writes.ts';

const VIDEOS = 2;
const GATEWAYS = [randomUUID(), randomUUID()];
const VIEWERS = ['ann', 'ben', 'cleo'];
const LEASE_MS = 600_000;
const PAST = "clock_timestamp() - interval '1 second'";

let database: TestDatabase;
let sql: Sql;
const videos: VideoRow[] = [];
const jobs: JobRow[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  sql = database.sql;
  for (let n = 0; n < VIDEOS; n += 1) {
    const made = await inTransaction(sql, (tx) => insertVideo(tx, { id: randomUUID(), title: 'Film', path: `inbox/${n}.mkv`, sizeBytes: 1, mtimeMs: 0, inode: '' }, 'tester'));
    if (made) videos.push(made);
  }
  const node = await testNode(sql, 'node-a');
  const lease = await testLease(sql);
  for (let n = 0; n < 2; n += 1) jobs.push(await placeJob(sql, lease, await testJob(sql, 'scan'), node, LEASE_MS));
});
afterAll(async () => {
  await database.drop();
  await stopTestServer();
});

interface Writer { ticket: number; files: number[]; state: 'waiting' | 'held' | 'dead'; reclaim: boolean }
/** What should be: readers by gateway and video, readers by job, writers in the order they came. */
interface Model {
  reads: Map<string, { viewers: Set<string>; live: boolean }>;
  jobReads: Map<number, { file: number; live: boolean }>;
  writers: Writer[];
}

const readers = (model: Model, file: number): number =>
  [...model.reads].filter(([key, { live }]) => live && key.endsWith(`/${file}`)).length + [...model.jobReads.values()].filter((read) => read.live && read.file === file).length;
const ahead = (model: Model, writer: Pick<Writer, 'ticket' | 'files'>): boolean => model.writers.some((other) =>
  other.state !== 'dead' && other.ticket !== writer.ticket && (other.state === 'held' || other.ticket < writer.ticket) && other.files.some((file) => writer.files.includes(file)));
const free = (model: Model, writer: Pick<Writer, 'ticket' | 'files'>): boolean => !ahead(model, writer) && writer.files.every((file) => readers(model, file) === 0);
const knows = (model: Model, viewer: string, file: number): boolean => [...model.reads].some(([key, read]) => read.live && key.endsWith(`/${file}`) && read.viewers.has(viewer));
const keysOf = (files: readonly number[]): FileKey[] => files.flatMap((file) => (videos[file] ? filesOf(videos[file]) : []));
const idOf = (file: number): string => videos[file]?.id ?? '';

type Command = fc.AsyncCommand<Model, Sql>;
const command = (name: string, run: (model: Model) => Promise<void>, check: (model: Model) => boolean = () => true): Command => ({
  check, toString: () => name,
  run: async (model) => {
    await run(model);
    for (const writer of model.writers.filter(({ state }) => state === 'held')) {
      for (const file of writer.files) expect(readers(model, file), `readers of ${file} beside a writer`).toBe(0);
    }
  },
});

const take = (gateway: number, file: number, viewer: string): Command => command(`take(g${gateway}, f${file}, ${viewer})`, async (model) => {
  const key = `${gateway}/${file}`;
  const here = model.reads.get(key);
  const viewers = [...new Set([...(here?.live === true ? here.viewers : []), viewer])];
  const answer = await takeRead(sql, {
    videoId: idOf(file), gateway: { id: GATEWAYS[gateway] ?? '', name: `g${gateway}` }, viewer, counts: { viewers, streams: viewers.length, downloads: 0, sessions: 0 }, leaseMs: LEASE_MS,
  });
  const inTheWay = model.writers.filter((writer) => writer.state !== 'dead' && writer.files.includes(file));
  const blocked = inTheWay.some((writer) => writer.state === 'held' || writer.reclaim || !knows(model, viewer, file));
  expect(answer.kind).toBe(blocked ? 'blocked' : 'held');
  if (!blocked) model.reads.set(key, { viewers: new Set(viewers), live: true });
});
const renew = (gateway: number, file: number): Command => command(`renew(g${gateway}, f${file})`, async (model) => {
  const read = model.reads.get(`${gateway}/${file}`);
  const [answer] = await renewReads(sql, GATEWAYS[gateway] ?? '', [{ file: videoFile(idOf(file)), viewers: [...(read?.viewers ?? [])], streams: 1, downloads: 0, sessions: 0 }], LEASE_MS);
  expect(answer).toMatchObject({ renewed: read?.live ?? false, wanted: model.writers.some((writer) => writer.state !== 'dead' && writer.files.includes(file)) });
});
const drop = (gateway: number, file: number): Command => command(`drop(g${gateway}, f${file})`, async (model) => {
  await dropReads(sql, GATEWAYS[gateway] ?? '', [videoFile(idOf(file))]);
  model.reads.delete(`${gateway}/${file}`);
});
const dieGateway = (gateway: number): Command => command(`die(g${gateway})`, async (model) => {
  await sql`update file_reads set lease_until = ${sql.unsafe(PAST)} where gateway_id = ${GATEWAYS[gateway] ?? ''}`;
  for (const [key, read] of model.reads) if (key.startsWith(`${gateway}/`)) read.live = false;
});
const grant = (job: number, file: number): Command => command(`grant(j${job}, f${file})`, async (model) => {
  const row = jobs[job];
  const answer = await grantReads(sql, { jobId: row?.id ?? '', epoch: row?.epoch ?? 0 }, [{ path: videos[file]?.path ?? '', videoId: idOf(file) }]);
  const blocked = model.writers.some((writer) => writer.state !== 'dead' && writer.files.includes(file));
  expect(answer).toBe(blocked ? 'blocked' : 'held');
  if (!blocked) {
    await sql`update jobs set lease_until = now() + interval '1 hour' where id = ${row?.id ?? ''}`;
    model.jobReads.set(job, { file, live: true });
  }
}, (model) => model.jobReads.get(job)?.live !== false);
const endJob = (job: number): Command => command(`endJob(j${job})`, async (model) => {
  const row = jobs[job];
  await inTransaction(sql, (tx) => dropAttemptReads(tx, { jobId: row?.id ?? '', epoch: row?.epoch ?? 0 }));
  model.jobReads.delete(job);
});
const loseJob = (job: number): Command => command(`loseJob(j${job})`, async (model) => {
  await sql`update jobs set lease_until = ${sql.unsafe(PAST)} where id = ${jobs[job]?.id ?? ''}`;
  const read = model.jobReads.get(job);
  if (read) read.live = false;
}, (model) => model.jobReads.has(job));
const write = (files: number[], wait: boolean): Command => command(`write(${files.join()}, ${wait})`, async (model) => {
  const answer = await requestWrite(sql, { files: keysOf(files), action: 'move', actor: 'x' }, { wait, leaseMs: LEASE_MS });
  const isFree = free(model, { ticket: Infinity, files });
  expect(answer.kind).toBe(isFree ? 'held' : wait ? 'waiting' : 'refused');
  if (answer.kind !== 'refused') model.writers.push({ ticket: answer.ticket, files, state: answer.kind, reclaim: false });
  if (answer.kind === 'held') forgetDead(model, files);
});
/** A writer that gets the file removes what is left of dead readers. */
const forgetDead = (model: Model, files: readonly number[]): void => {
  for (const [key, { live }] of model.reads) if (!live && files.some((file) => key.endsWith(`/${file}`))) model.reads.delete(key);
};
const nth = (model: Model, n: number): Writer | undefined => model.writers.filter(({ state }) => state !== 'dead')[n];
const retry = (n: number): Command => command(`retry(${n})`, async (model) => {
  const writer = nth(model, n);
  if (!writer) return;
  const answer = await retryWrite(sql, writer.ticket, LEASE_MS);
  expect(answer.kind).toBe(writer.state === 'held' || free(model, writer) ? 'held' : 'waiting');
  if (answer.kind === 'held') forgetDead(model, writer.files);
  writer.state = answer.kind;
}, (model) => nth(model, n) !== undefined);
const reclaim = (n: number): Command => command(`reclaim(${n})`, async (model) => {
  const writer = nth(model, n);
  if (!writer) return;
  await reclaimReads(sql, writer.ticket);
  if (writer.state === 'waiting') writer.reclaim = true;
}, (model) => nth(model, n) !== undefined);
const end = (n: number): Command => command(`end(${n})`, async (model) => {
  const writer = nth(model, n);
  if (!writer) return;
  await endWrite(sql, writer.ticket);
  model.writers.splice(model.writers.indexOf(writer), 1);
}, (model) => nth(model, n) !== undefined);
const dieWriter = (n: number): Command => command(`dieWriter(${n})`, async (model) => {
  const writer = nth(model, n);
  if (!writer) return;
  await sql`update file_writes set lease_until = ${sql.unsafe(PAST)} where ticket = ${writer.ticket}`;
  writer.state = 'dead';
}, (model) => nth(model, n) !== undefined);

const gateway = fc.nat(GATEWAYS.length - 1);
const file = fc.nat(VIDEOS - 1);
const job = fc.nat(1);
const commands = [
  fc.tuple(gateway, file, fc.constantFrom(...VIEWERS)).map((args) => take(...args)), fc.tuple(gateway, file).map((args) => renew(...args)),
  fc.tuple(gateway, file).map((args) => drop(...args)), gateway.map(dieGateway), fc.tuple(job, file).map((args) => grant(...args)), job.map(endJob), job.map(loseJob),
  fc.tuple(fc.constantFrom<number[]>([0], [1], [0, 1]), fc.boolean()).map((args) => write(...args)), fc.nat(2).map(retry), fc.nat(2).map(reclaim), fc.nat(2).map(end), fc.nat(2).map(dieWriter),
];

it('agree with the model after every step, and leave nothing when all have let go', async () => {
  await fc.assert(fc.asyncProperty(fc.commands(commands, { maxCommands: 60, size: 'max' }), async (list) => {
    const model: Model = { reads: new Map(), jobReads: new Map(), writers: [] };
    await sql`truncate file_reads, file_writes`;
    await sql`update attempts set reads = '{}'`;
    await sql`update jobs set lease_until = now() + interval '1 hour'`;
    await fc.asyncModelRun(() => ({ model, real: sql }), list);
    for (const id of GATEWAYS) await dropReads(sql, id, videos.map((video) => videoFile(video.id)));
    for (const { ticket } of model.writers) await endWrite(sql, ticket);
    const [left] = await sql<{ n: number }[]>`select ((select count(*) from file_reads) + (select count(*) from file_writes))::int as n`;
    expect(left?.n).toBe(0);
  }), { numRuns: 60 });
});
