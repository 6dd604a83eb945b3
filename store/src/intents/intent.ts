import type { JobOutcome } from '@reelay/contracts';
import type { Queryable, Tx } from '../db.ts';
import { jsonb } from '../json.ts';

type Completed = Extract<JobOutcome, { kind: 'completed' }>;

/** One file that an attempt has finished and the hub is about to publish. */
export interface IntentFile {
  name: string;
  partPath: string;
  /** Where it is to be, or is: changed, and stored, before each try of another name. */
  finalPath: string;
  onConflict: 'rename' | 'fail' | 'replace';
  sizeBytes: number;
  /** Identity of the part: a repeat after a crash recognises its own file at the final path. */
  inode: string;
  device: string;
  /** The part is a second name of another file (a move): its content has a home without the final path. */
  linked: boolean;
  /** Where the file that had the final path before is kept until the commit. */
  asidePath: string | null;
}

/** A file that has been replaced or moved away from. The inode tells it from a newer one with its name. */
export interface Removal {
  path: string;
  inode: string;
}

export interface PublishIntent {
  jobId: string;
  epoch: number;
  outcome: Completed;
  files: IntentFile[];
  removals: Removal[];
  createdAt: Date;
}

/** Stored before the first file gets its final name. One that exists already stays as it is. */
export const recordIntent = async (tx: Tx, intent: Omit<PublishIntent, 'createdAt' | 'removals'>): Promise<void> => {
  await tx`
    insert into publish_intents (job_id, epoch, outcome, files)
    values (${intent.jobId}, ${intent.epoch}, ${jsonb(tx, intent.outcome)}, ${jsonb(tx, intent.files)})
    on conflict (job_id, epoch) do nothing`;
};

export const readIntent = async (sql: Queryable, jobId: string, epoch: number): Promise<PublishIntent | null> => {
  const [row] = await sql<PublishIntent[]>`select * from publish_intents where job_id = ${jobId} and epoch = ${epoch}`;
  return row ?? null;
};

/** Notes the names chosen, before they are used. Must be committed by itself: it is what a crash leaves behind. */
export const saveIntentFiles = async (sql: Queryable, jobId: string, epoch: number, files: readonly IntentFile[]): Promise<void> => {
  await sql`update publish_intents set files = ${jsonb(sql, files)} where job_id = ${jobId} and epoch = ${epoch}`;
};

/** Notes in the completing transaction what goes after it, so that a crash in between leaves nothing behind. Its files are free again. */
export const keepForRemovals = async (tx: Tx, jobId: string, epoch: number, removals: readonly Removal[]): Promise<void> => {
  await tx`
    with freed as (delete from file_writes where job_id = ${jobId} and epoch = ${epoch})
    update publish_intents set removals = ${jsonb(tx, removals)} where job_id = ${jobId} and epoch = ${epoch}`;
};

/** The publishing is over, and with it the lock of its files. */
export const deleteIntent = async (sql: Queryable, jobId: string, epoch: number): Promise<void> => {
  await sql`
    with freed as (delete from file_writes where job_id = ${jobId} and epoch = ${epoch})
    delete from publish_intents where job_id = ${jobId} and epoch = ${epoch}`;
};

/** Intents that nobody has brought to an end within `olderThanMs`. */
export const readOldIntents = async (sql: Queryable, olderThanMs: number, limit: number): Promise<PublishIntent[]> => [
  ...await sql<PublishIntent[]>`
    select * from publish_intents where created_at < now() - ${olderThanMs} * interval '1 millisecond' order by created_at limit ${limit}`,
];

/** Which of these attempts are alive: running, frozen, or with an intent. Their part files must stay. */
export const liveAttempts = async (sql: Queryable, refs: readonly { jobId: string; epoch: number }[]): Promise<Set<string>> => {
  const rows = await sql<{ jobId: string; epoch: number }[]>`
    select r."jobId" as job_id, r.epoch from jsonb_to_recordset(${jsonb(sql, refs)}::jsonb) as r("jobId" uuid, epoch integer)
    where exists (select 1 from jobs j where j.id = r."jobId" and j.epoch = r.epoch and j.node_id is not null and j.status in ('queued', 'running', 'paused'))
      or exists (select 1 from publish_intents i where i.job_id = r."jobId" and i.epoch = r.epoch)`;
  return new Set(rows.map(({ jobId, epoch }) => `${jobId}.${epoch}`));
};
