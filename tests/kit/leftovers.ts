/** Looks for what no job may leave behind: in the database, in the library, among the processes. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sql } from '@reelay/store';
import type { System } from './system.ts';

const MEDIA_FOLDERS = ['inbox', 'library', 'playback', 'thumbnails', '.trash'];

/** One line for each thing that is there and should not be, or the other way round. Call it when no job is open. */
export const findLeftovers = async (system: System, sql: Sql): Promise<string[]> => [
  ...(await leftInDatabase(sql)),
  ...(await inLibrary(system, sql)),
  ...(await system.workers()).map(({ pid, command }) => `process ${pid}: ${command}`),
];

/** Bookings, intents and results that no attempt needs any more; and jobs that ended more than once. */
export const leftInDatabase = async (sql: Sql): Promise<string[]> => {
  const rows = await sql<{ what: string }[]>`
    select 'slots of node ' || id as what from nodes where slots_cpu + slots_gpu_encode + slots_gpu_ai <> 0
    union all select 'memory of device ' || node_id || '/' || id from devices where booked_mb <> 0
    union all select 'booking of attempt ' || job_id || '.' || epoch from attempts where released_at is null
    union all select 'intent of ' || job_id || '.' || epoch from publish_intents
    union all select 'effects of ' || job_id || '.' || epoch from effect_batches
    union all select 'blobs of ' || job_id || '.' || epoch from effect_blobs
    union all select 'job ' || entity_id || ' ended ' || count(*) || ' times' from audit
      where topic = 'jobs' and event in ('complete', 'cancel') group by entity_id having count(*) > 1`;
  return rows.map(({ what }) => what);
};

/** Each file is a video or its thumbnail, and each of these has its file. */
const inLibrary = async (system: System, sql: Sql): Promise<string[]> => {
  const rows = await sql<{ path: string }[]>`
    select coalesce(trash_path, path) as path from videos where deleted_at is null or trash_path is not null
    union all select thumbnail_path from videos where thumbnail_path is not null`;
  const wanted = new Set(rows.map(({ path }) => path));
  const found = new Set((await Promise.all(MEDIA_FOLDERS.map((folder) => filesIn(system.libraryRoot, folder)))).flat());
  return [
    ...[...found].filter((path) => !wanted.has(path)).map((path) => `file of nothing: ${path}`),
    ...[...wanted].filter((path) => !found.has(path)).map((path) => `file is gone: ${path}`),
  ];
};

const filesIn = async (root: string, folder: string): Promise<string[]> => {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
};
