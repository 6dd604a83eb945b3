/** Small makers of rows for tests. */
import { randomUUID } from 'node:crypto';
import type { Hello, JobType } from '@reelay/contracts';
import type { Sql } from './db.ts';
import { createJobs, type NewJobRow } from './jobs/create.ts';
import { commitPlacements } from './jobs/events/place.ts';
import { startAttempt } from './jobs/events/start.ts';
import type { JobRow } from './jobs/row.ts';
import { acquireLease, type Lease } from './leases/lease.ts';
import { videoFile } from './locks/file-key.ts';
import { registerNode } from './nodes/hello.ts';
import type { NodeRow } from './nodes/row.ts';

export const testHello = (over: Partial<Hello> = {}): Hello => ({
  v: 1, incarnation: randomUUID(), name: 'test node', version: '0.1.0',
  devices: [{ id: 'software', index: 0, kind: 'software', name: 'Software', totalMb: 16_000, freeMb: 16_000, utilization: null, temperatureC: null }],
  limits: { cpu: 5, gpu_encode: 2, gpu_ai: 1 }, encoder: 'libx264', encoderTrials: [], ffmpegVersion: '5.1', labels: {}, libraryId: 'test-library',
  load: { load1: 0, cpus: 2, memoryFreeMb: 1000, memoryTotalMb: 2000, diskFreeBytes: null },
  ...over,
});

export const testNode = async (sql: Sql, id: string, over: Partial<Hello> = {}): Promise<NodeRow> => (await registerNode(sql, id, testHello(over))).node;

export const testJob = async (sql: Sql, type: JobType = 'validate', over: Partial<NewJobRow> = {}): Promise<JobRow> => {
  const [job] = await createJobs(sql, [{ id: randomUUID(), type, params: {}, ...over }], 'tester');
  if (!job) throw new Error('no job was created');
  return job;
};

export const testLease = async (sql: Sql, holder = 'leader'): Promise<Lease> => {
  const lease = await acquireLease(sql, 'scheduler', holder, 60_000);
  if (!lease) throw new Error('the lease is held by another');
  return lease;
};

/** Places the job on the node's first device. */
export const placeJob = async (sql: Sql, lease: Lease, job: { id: string }, node: { id: string; incarnation: string }, leaseMs = 45_000): Promise<JobRow> => {
  const [device] = await sql<{ id: string }[]>`select id from devices where node_id = ${node.id} order by device_index limit 1`;
  const [placed] = await commitPlacements(sql, lease, [{ jobId: job.id, nodeId: node.id, incarnation: node.incarnation, deviceId: device?.id ?? '' }], leaseMs);
  if (!placed) throw new Error('the job was not placed');
  return placed;
};

/** Placed and started; it reads its video. */
export const runJob = async (sql: Sql, lease: Lease, job: { id: string }, node: { id: string; incarnation: string }, leaseMs = 45_000): Promise<JobRow> => {
  const placed = await placeJob(sql, lease, job, node, leaseMs);
  if (placed.videoId !== null) await sql`update attempts set reads = ${[videoFile(placed.videoId)]}::text[] where job_id = ${placed.id} and epoch = ${placed.epoch}`;
  await startAttempt(sql, { jobId: placed.id, epoch: placed.epoch, nodeId: node.id, incarnation: node.incarnation });
  const [running] = await sql<JobRow[]>`select * from jobs where id = ${job.id}`;
  if (running?.status !== 'running') throw new Error('the job does not run');
  return running;
};
