import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { inTransaction, type Sql } from '../db.ts';
import { createTestDatabase, placeJob, runJob, stopTestServer, testJob, testLease, testNode, type TestDatabase } from '../testing.ts';
import { insertVideo } from '../videos/insert.ts';
import type { VideoRow } from '../videos/row.ts';
import { dropAttemptReads, grantReads } from './attempt-reads.ts';
import { filesAt, filesOf, videoFile } from './file-key.ts';
import { dropReads, renewReads, sweepReads, takeRead } from './gateway-reads.ts';
import { readHolders } from './holders.ts';
import { claimAbandoned, noteMove, noteMoved, placeOf } from './move-journal.ts';
import { endWrite, reclaimReads, requestWrite, requireWrite, retryWrite } from './writes.ts';

let database: TestDatabase;
let sql: Sql;
let video: VideoRow;
beforeAll(async () => {
  database = await createTestDatabase();
  sql = database.sql;
});
afterAll(async () => {
  await database.drop();
  await stopTestServer();
});

const newVideo = async (): Promise<VideoRow> => {
  const id = randomUUID();
  const row = await inTransaction(sql, (tx) => insertVideo(tx, { id, title: 'Film', path: `inbox/${id}.mkv`, sizeBytes: 1, mtimeMs: 0, inode: '' }, 'tester'));
  if (!row) throw new Error('no video');
  return row;
};
beforeEach(async () => {
  await sql`truncate file_reads, file_writes`;
  video = await newVideo();
});

const GATEWAYS = { a: randomUUID(), b: randomUUID() };
const LEASE_MS = 60_000;
const take = (gateway: 'a' | 'b' = 'a', viewer = 'alice') =>
  takeRead(sql, { videoId: video.id, gateway: { id: GATEWAYS[gateway], name: gateway }, viewer, counts: { viewers: [viewer], streams: 1, downloads: 0, sessions: 0 }, leaseMs: LEASE_MS });
const renew = (gateway: 'a' | 'b' = 'a', streams = 1) =>
  renewReads(sql, GATEWAYS[gateway], [{ file: videoFile(video.id), viewers: ['alice'], streams, downloads: 0, sessions: 0 }], LEASE_MS);
const write = (wait = false, files = filesOf(video)) => requestWrite(sql, { files, action: 'delete', actor: 'admin' }, { wait, leaseMs: LEASE_MS });
const ticketOf = async (answer: ReturnType<typeof write>): Promise<number> => {
  const found = await answer;
  if (found.kind === 'refused') throw new Error('refused');
  return found.ticket;
};
/** As if its holder had been silent past its lease. */
const expire = (table: 'file_reads' | 'file_writes') => sql`update ${sql(table)} set lease_until = clock_timestamp() - interval '1 second'`;
const left = async (): Promise<number> => (await sql<{ n: number }[]>`select ((select count(*) from file_reads) + (select count(*) from file_writes))::int as n`)[0]?.n ?? -1;

describe('readers', () => {
  it('of two gateways are two holders; the writer is refused and told of both; nothing is left when they go', async () => {
    expect(await take('a')).toMatchObject({ kind: 'held', video: { id: video.id, path: video.path } });
    expect(await take('b', 'bob')).toMatchObject({ kind: 'held' });
    expect(await write()).toMatchObject({ kind: 'refused', holders: [{ kind: 'gateway', gatewayName: 'a', streams: 1 }, { kind: 'gateway', gatewayName: 'b' }] });
    expect(await dropReads(sql, GATEWAYS.a, [videoFile(video.id)])).toBe(false);
    expect(await write()).toMatchObject({ kind: 'refused', holders: [{ gatewayName: 'b' }] });
    await dropReads(sql, GATEWAYS.b, [videoFile(video.id)]);
    const held = await ticketOf(write());
    expect(await take()).toMatchObject({ kind: 'blocked', by: { action: 'delete', actor: 'admin', state: 'held' } });
    await endWrite(sql, held);
    expect(await left()).toBe(0);
  });

  it('are told of a video that is gone', async () => {
    await sql`update videos set deleted_at = now() where id = ${video.id}`;
    expect(await take()).toEqual({ kind: 'gone' });
    expect(await left()).toBe(0);
  });

  it('whose gateway is dead are gone with its lease, and a gateway that wakes up after it finds out', async () => {
    await take();
    expect(await renew('a', 3)).toEqual([{ file: videoFile(video.id), renewed: true, wanted: false, reclaimed: false }]);
    expect(await readHolders(sql, { files: filesOf(video) })).toMatchObject([{ kind: 'gateway', streams: 3 }]);
    await expire('file_reads');
    expect(await readHolders(sql, { files: filesOf(video) })).toEqual([]);
    expect(await renew()).toMatchObject([{ renewed: false }]);
    expect(await write()).toMatchObject({ kind: 'held' });
    expect(await take()).toMatchObject({ kind: 'blocked' });
  });

  it('that renew while a writer looks keep the file', async () => {
    await take();
    await expire('file_reads');
    await sql`update file_reads set lease_until = clock_timestamp() + interval '300 milliseconds'`;
    let asked: ReturnType<typeof write> | undefined;
    // The renewal is made within the lease, and committed after it.
    await inTransaction(sql, async (tx) => {
      await tx`update file_reads set lease_until = clock_timestamp() + interval '1 minute'`;
      for (;;) {
        const [row] = await sql<{ over: boolean }[]>`select lease_until <= clock_timestamp() as over from file_reads`;
        if (row?.over === true) break;
      }
      asked = write();
      for (;;) {
        const waiting = await sql`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
        if (waiting.length > 0) break;
      }
    });
    expect(await asked).toMatchObject({ kind: 'refused' });
  });

  it('of gateways long gone are swept', async () => {
    await take();
    await sql`update file_reads set lease_until = clock_timestamp() - interval '2 minutes'`;
    expect(await sweepReads(sql)).toBe(1);
    expect(await left()).toBe(0);
  });
});

describe('a writer that waits', () => {
  it('goes before new readers, lets known viewers pass at any gateway, and gets the file when the last one leaves', async () => {
    await take('a', 'alice');
    const waiting = await write(true);
    expect(waiting).toMatchObject({ kind: 'waiting', holders: [{ kind: 'gateway' }] });
    expect(await take('b', 'carol')).toMatchObject({ kind: 'blocked', by: { state: 'waiting' } });
    expect(await take('b', 'alice')).toMatchObject({ kind: 'held' });
    expect(await renew()).toMatchObject([{ renewed: true, wanted: true, reclaimed: false }]);
    const ticket = await ticketOf(Promise.resolve(waiting));
    expect(await retryWrite(sql, ticket, LEASE_MS)).toMatchObject({ kind: 'waiting' });
    expect(await dropReads(sql, GATEWAYS.a, [videoFile(video.id)])).toBe(true);
    expect(await dropReads(sql, GATEWAYS.b, [videoFile(video.id)])).toBe(true);
    expect(await retryWrite(sql, ticket, LEASE_MS)).toEqual({ kind: 'held', ticket });
    expect(await retryWrite(sql, ticket, LEASE_MS)).toEqual({ kind: 'held', ticket });
    await endWrite(sql, ticket);
    expect(await left()).toBe(0);
  });

  it('keeps newcomers out for half a minute, and then takes its chance', async () => {
    await take('a', 'alice');
    const ticket = await ticketOf(write(true));
    await sql`update file_writes set since = clock_timestamp() - interval '31 seconds'`;
    expect(await renew()).toMatchObject([{ wanted: false }]);
    expect(await take('b', 'carol')).toMatchObject({ kind: 'held' });
    expect(await retryWrite(sql, ticket, LEASE_MS)).toMatchObject({ kind: 'waiting' });
    await reclaimReads(sql, ticket);
    expect(await take('b', 'dora')).toMatchObject({ kind: 'blocked' });
  });

  it('and reclaims lets nobody pass', async () => {
    await take('a', 'alice');
    await reclaimReads(sql, await ticketOf(write(true)));
    expect(await take('b', 'alice')).toMatchObject({ kind: 'blocked' });
    expect(await renew()).toMatchObject([{ reclaimed: true }]);
  });

  it('and dies is out of the way when its lease is over', async () => {
    await take();
    const ticket = await ticketOf(write(true));
    await expire('file_writes');
    expect(await take('b', 'carol')).toMatchObject({ kind: 'held' });
    await expect(retryWrite(sql, ticket, LEASE_MS)).rejects.toMatchObject({ code: 'write_lock_lost' });
    expect(await claimAbandoned(sql, LEASE_MS)).toEqual([{ ticket, move: null }]);
  });

  it('for two files of which another wants the same, the other way round: first come, first served, and no circle', async () => {
    const other = await newVideo();
    const reader = await take();
    expect(reader.kind).toBe('held');
    const [first, second] = [await ticketOf(write(true, [...filesOf(video), ...filesOf(other)])), await ticketOf(write(true, [...filesOf(other), ...filesOf(video)]))];
    // The first waits for the reader, so that the second waits for the first, although `other` is free.
    expect(await retryWrite(sql, second, LEASE_MS)).toMatchObject({ kind: 'waiting' });
    await dropReads(sql, GATEWAYS.a, [videoFile(video.id)]);
    expect(await retryWrite(sql, second, LEASE_MS)).toMatchObject({ kind: 'waiting', holders: [{ kind: 'writer', ticket: first }] });
    expect(await retryWrite(sql, first, LEASE_MS)).toMatchObject({ kind: 'held' });
    expect(await retryWrite(sql, second, LEASE_MS)).toMatchObject({ kind: 'waiting', holders: [{ kind: 'writer', state: 'held' }] });
    expect(await endWrite(sql, first)).toBe(true);
    expect(await retryWrite(sql, second, LEASE_MS)).toMatchObject({ kind: 'held' });
    await endWrite(sql, second);
    expect(await left()).toBe(0);
  });

  it('many at once, in any order of files, all get through', async () => {
    const others = [video, await newVideo(), await newVideo()];
    await Promise.all(Array.from({ length: 12 }, async (_, n) => {
      const files = [others[n % 3], others[(n + 1 + (n % 2)) % 3]].flatMap((one) => (one ? filesOf(one) : []));
      let answer = await requestWrite(sql, { files, action: 'rename', actor: String(n) }, { wait: true, leaseMs: LEASE_MS });
      while (answer.kind === 'waiting') answer = await retryWrite(sql, answer.ticket, LEASE_MS);
      if (answer.kind === 'held') await endWrite(sql, answer.ticket);
    }));
    expect(await left()).toBe(0);
  });
});

describe('a writer that has the file', () => {
  it('is fenced off when its lease is over, and what it left is claimed once, with both names', async () => {
    const ticket = await ticketOf(write());
    expect(await noteMove(sql, ticket, { videoId: video.id, from: 'a', to: 'b' })).toBe(true);
    await inTransaction(sql, (tx) => requireWrite(tx, ticket));
    await expire('file_writes');
    await expect(inTransaction(sql, (tx) => requireWrite(tx, ticket))).rejects.toMatchObject({ code: 'write_lock_lost', ticket });
    expect(await noteMove(sql, ticket, { videoId: video.id, from: 'a', to: 'b' })).toBe(false);
    expect(await Promise.all([claimAbandoned(sql, LEASE_MS), claimAbandoned(sql, LEASE_MS)]).then((both) => both.flat())).toEqual([{ ticket, move: { videoId: video.id, from: 'a', to: 'b' } }]);
    expect(await placeOf(sql, video.id)).toBe(video.path);
    expect(await take()).toMatchObject({ kind: 'held' });
  });

  it('lets readers in once the change is stored, before the old name is gone', async () => {
    const ticket = await ticketOf(write());
    await inTransaction(sql, async (tx) => {
      await requireWrite(tx, ticket);
      await noteMoved(tx, ticket);
    });
    expect(await take()).toMatchObject({ kind: 'held' });
  });
});

const run = async () => {
  const node = await testNode(sql, `node-${randomUUID().slice(0, 8)}`);
  await sql`delete from leases`;
  const job = await placeJob(sql, await testLease(sql), await testJob(sql, 'validate', { params: { videoId: video.id } }), node);
  return { job, node, attempt: { jobId: job.id, epoch: job.epoch } };
};

describe('a job', () => {
  it('holds what its order reads from then on until it ends, and is named with its progress', async () => {
    const { job, attempt } = await run();
    expect(await readHolders(sql, { files: filesOf(video) })).toEqual([]);
    expect(await grantReads(sql, attempt, [{ path: video.path, videoId: video.id }])).toBe('held');
    await sql`update jobs set progress = 42 where id = ${job.id}`;
    expect(await write()).toMatchObject({ kind: 'refused', holders: [{ kind: 'job', jobId: job.id, type: 'validate', progress: 42 }] });
    await inTransaction(sql, (tx) => dropAttemptReads(tx, attempt));
    expect(await write()).toMatchObject({ kind: 'held' });
  });

  it('of a lost node holds nothing when its lease is over, with nobody’s help', async () => {
    const { job, attempt } = await run();
    await grantReads(sql, attempt, [{ path: video.path }]);
    await sql`update jobs set lease_until = now() - interval '1 second' where id = ${job.id}`;
    expect(await write()).toMatchObject({ kind: 'held' });
  });

  it('is not granted a file that a writer has or waits for, nor one that lies elsewhere by now, nor one of an attempt that is over', async () => {
    const { job, attempt } = await run();
    expect(await grantReads(sql, attempt, [{ path: 'inbox/old-name.mkv', videoId: video.id }])).toBe('moved');
    await take();
    const ticket = await ticketOf(write(true));
    expect(await grantReads(sql, attempt, [{ path: video.path, videoId: video.id }])).toBe('blocked');
    await endWrite(sql, ticket);
    expect(await grantReads(sql, { ...attempt, epoch: 9 }, [{ path: video.path }])).toBe('stale');
    expect(await grantReads(sql, attempt, [{ path: video.path }])).toBe('held');
    await sql`delete from jobs where id = ${job.id}`;
    await dropReads(sql, GATEWAYS.a, [videoFile(video.id)]);
    expect(await write()).toMatchObject({ kind: 'held' });
  });

  it('that reads a file which no video has holds its path, also when a video gets it later', async () => {
    const { attempt } = await run();
    const path = `playback/${randomUUID()}.mp4`;
    expect(await grantReads(sql, attempt, [{ path }])).toBe('held');
    expect(await write(false, await filesAt(sql, [path]))).toMatchObject({ kind: 'refused' });
    await inTransaction(sql, (tx) => insertVideo(tx, { id: randomUUID(), title: 'x', path, sizeBytes: 1, mtimeMs: 0, inode: '' }, 'tester'));
    expect(await write(false, await filesAt(sql, [path]))).toMatchObject({ kind: 'refused' });
  });

  it('asks as a writer again with the same place in line; its lock lasts while its result is being published', async () => {
    const { job, node, attempt } = await run();
    expect(node.id).toBe(job.nodeId);
    const request = { files: filesOf(video), action: 'move' as const, actor: 'job', attempt };
    await take();
    const [one, two] = [await requestWrite(sql, request, { wait: true, leaseMs: LEASE_MS }), await requestWrite(sql, request, { wait: true, leaseMs: LEASE_MS })];
    expect([one.kind, two.kind]).toEqual(['waiting', 'waiting']);
    expect(await ticketOf(Promise.resolve(one))).toBe(await ticketOf(Promise.resolve(two)));
    await dropReads(sql, GATEWAYS.a, [videoFile(video.id)]);
    expect(await requestWrite(sql, request, { wait: true, leaseMs: LEASE_MS })).toMatchObject({ kind: 'held' });
    await sql`insert into publish_intents (job_id, epoch, outcome, files) values (${job.id}, ${job.epoch}, '{}', '[]')`;
    await expire('file_writes');
    expect(await take()).toMatchObject({ kind: 'blocked' });
    expect(await claimAbandoned(sql, LEASE_MS)).toEqual([]);
    await sql`delete from publish_intents`;
    expect(await take()).toMatchObject({ kind: 'held' });
  });

  it('that held a file when its lease ended asks for it again like anybody', async () => {
    const { attempt } = await run();
    const request = { files: filesOf(video), action: 'move' as const, actor: 'job', attempt };
    expect(await requestWrite(sql, request, { wait: true, leaseMs: LEASE_MS })).toMatchObject({ kind: 'held' });
    expect(await requestWrite(sql, request, { wait: true, leaseMs: LEASE_MS })).toMatchObject({ kind: 'held' });
    await expire('file_writes');
    expect(await take()).toMatchObject({ kind: 'held' });
    expect(await requestWrite(sql, request, { wait: true, leaseMs: LEASE_MS })).toMatchObject({ kind: 'waiting' });
  });

  it('made by the kit is a holder, too', async () => {
    const node = await testNode(sql, 'node-kit');
    await sql`delete from leases`;
    await runJob(sql, await testLease(sql), await testJob(sql, 'thumbnail_generate', { params: { videoId: video.id } }), node);
    expect(await write()).toMatchObject({ kind: 'refused', holders: [{ kind: 'job' }] });
  });
});
