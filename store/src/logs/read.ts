import { INLINE_LOG_BYTES } from '@reelay/contracts';
import type { Queryable } from '../db.ts';
import type { StoredLine } from './hub-log.ts';

export interface LogTail {
  lines: (StoredLine & { epoch: number })[];
  /** Cursor for the next call. */
  lastSeq: number;
}

/** `[2026-02-13 10:30:15] text`; markers stand alone on their line. */
export const formatLogLine = (line: StoredLine): string =>
  line.stream === 'marker' ? line.text : `[${line.at.slice(0, 10)} ${line.at.slice(11, 19)}] ${line.text}`;

/** Log lines stored after `afterSeq`, in the order they were stored. `limit` counts batches. */
export const readLog = async (sql: Queryable, jobId: string, options: { afterSeq?: number; limit: number }): Promise<LogTail> => {
  const afterSeq = options.afterSeq ?? 0;
  const chunks = await sql<{ seq: number; epoch: number; lines: StoredLine[] }[]>`
    select seq, epoch, lines from job_log_chunks
    where job_id = ${jobId} and seq > ${afterSeq} order by seq limit ${options.limit}`;
  return {
    lines: chunks.flatMap(({ epoch, lines }) => lines.map((line) => ({ ...line, epoch }))),
    lastSeq: chunks.at(-1)?.seq ?? afterSeq,
  };
};

/** Batches read to fill an inline log: far more than 10 KB needs. */
const TAIL_CHUNKS = 400;

/** The last lines of the log that fit in `maxBytes`, oldest first. */
export const readLogEnd = async (sql: Queryable, jobId: string, maxBytes: number): Promise<string> => {
  const chunks = await sql<{ lines: StoredLine[] }[]>`
    select lines from job_log_chunks where job_id = ${jobId} order by epoch desc, line_offset desc limit ${TAIL_CHUNKS}`;
  const kept: string[] = [];
  let bytes = 0;
  for (const line of chunks.flatMap((chunk) => chunk.lines.toReversed())) {
    const text = formatLogLine(line);
    bytes += Buffer.byteLength(text) + 1;
    if (bytes > maxBytes) break;
    kept.push(text);
  }
  return kept.toReversed().join('\n');
};

/** A finished job's inline log, or what there is so far of another's (its end, when it is long). */
export const readLogText = async (sql: Queryable, jobId: string, maxBytes = 20 * INLINE_LOG_BYTES): Promise<string> => {
  const [job] = await sql<{ log: string; completedAt: Date | null }[]>`select log, completed_at from jobs where id = ${jobId}`;
  if (!job) return '';
  return job.completedAt !== null && job.log !== '' ? job.log : await readLogEnd(sql, jobId, maxBytes);
};

/** The whole log as text, for a download. */
export const readWholeLog = async (sql: Queryable, jobId: string): Promise<string> => {
  const chunks = await sql<{ lines: StoredLine[] }[]>`
    select lines from job_log_chunks where job_id = ${jobId} order by epoch, line_offset`;
  return chunks.flatMap(({ lines }) => lines.map(formatLogLine)).join('\n');
};
