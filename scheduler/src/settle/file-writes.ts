import { hubJobType, JobRefused } from '@reelay/job-types/hub';
import { delay, type Logger } from '@reelay/runtime';
import {
  dropAttemptReads, endAttemptWrite, type FileHolder, type FileKey, filesAt, holderWords, inTransaction, type IntentFile, type JobRow, noteWaiting, readJob,
  readVideoPaths, requestWrite, videoFile, type WriteAnswer,
} from '@reelay/store';
import type { Deps } from '../deps.ts';

const LEASE_MS = 30_000;
const POLL_MS = 500;

interface Wanted {
  files: FileKey[];
  action: 'move' | 'replace';
  waitSeconds: number;
}

type Publishing = Pick<JobRow, 'id' | 'type' | 'epoch' | 'params'>;

const keyOf = ({ jobId, epoch }: { jobId: string; epoch: number }): string => `${jobId}.${epoch}`;

/** The scheduler stops: the agent tells its result again, to another one. */
class StoppedWaiting extends Error {
  readonly code = 'stopped_waiting';
}

/** Whether publishing takes a file away from under a name: only then it must have it alone. */
const takesFilesAway = (job: Pick<JobRow, 'type'>, files: readonly Pick<IntentFile, 'onConflict'>[]): boolean =>
  hubJobType(job.type).moves !== undefined || files.some(({ onConflict }) => onConflict === 'replace');

/**
 * Files that a result moves or replaces, had alone while it is published.
 *
 *   result told ──own reading over──▶ asked ──free──▶ held, until the publish intent is gone
 *                                       └──in use──▶ waiting ──free──▶ held
 *                                                      └──time over──▶ the attempt fails with file_in_use, and is retried later
 *                                                      └──cancelled──▶ given up, the cancel goes on
 *
 * An attempt reads no more when it tells its result, so it is never in its own way, nor are two moves of one file in each
 * other's. The row has the attempt's name: a result told again, to another scheduler too, keeps its place in line.
 */
export class FileWrites {
  readonly #deps: Deps;
  readonly #logger: Logger;
  readonly #waiting = new Map<string, Promise<number | null>>();
  readonly #held = new Set<string>();
  #stopped = false;

  constructor(deps: Deps, logger: Logger) {
    this.#deps = deps;
    this.#logger = logger;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** The ticket of the lock; null when none is needed, or the job is to be cancelled. @throws JobRefused file_in_use */
  hold(job: Publishing, files: readonly IntentFile[]): Promise<number | null> {
    if (!takesFilesAway(job, files)) return Promise.resolve(null);
    const key = keyOf({ jobId: job.id, epoch: job.epoch });
    const known = this.#waiting.get(key);
    if (known !== undefined) return known;
    const asked = this.#hold(job, files).finally(() => this.#waiting.delete(key));
    this.#waiting.set(key, asked);
    return asked;
  }

  /** The attempt is settled: whoever waits for its files is told. */
  settled(attempt: { jobId: string; epoch: number }): void {
    if (this.#held.delete(keyOf(attempt))) this.#deps.hints.locks();
  }

  async #hold(job: Publishing, files: readonly IntentFile[]): Promise<number | null> {
    const { sql, clock, hints } = this.#deps;
    const attempt = { jobId: job.id, epoch: job.epoch };
    await inTransaction(sql, (tx) => dropAttemptReads(tx, attempt));
    const startedMs = clock.monotonicMs();
    for (let told = false; ;) {
      const { files: wanted, action, waitSeconds } = await this.#wanted(job, files);
      const answer = await requestWrite(sql, { files: wanted, action, actor: `job:${job.id}`, attempt }, { wait: waitSeconds > 0, leaseMs: LEASE_MS });
      if (answer.kind === 'held') {
        this.#held.add(keyOf(attempt));
        return answer.ticket;
      }
      const waitedMs = clock.monotonicMs() - startedMs;
      if (answer.kind === 'refused' || waitedMs >= waitSeconds * 1000) throw await this.#inUse(attempt, answer);
      if (!told) {
        await this.#tell(job, answer.holders, waitSeconds);
        told = true;
      }
      await delay(clock, POLL_MS);
      if (this.#stopped) throw new StoppedWaiting('the scheduler stops');
      const now = await readJob(sql, job.id);
      if (now?.epoch === job.epoch && now.cancelRequestedAt === null) continue;
      await inTransaction(sql, (tx) => endAttemptWrite(tx, attempt));
      hints.locks();
      return null;
    }
  }

  /** Looked up each time: a file may get another name while it is waited for. */
  async #wanted(job: Publishing, files: readonly IntentFile[]): Promise<Wanted> {
    const { sql } = this.#deps;
    const moves = hubJobType(job.type).moves?.(job.params);
    const paths = moves === undefined ? [] : [...(await readVideoPaths(sql, moves.videoIds)).values()];
    const replaced = files.filter(({ onConflict }) => onConflict === 'replace').map(({ finalPath }) => finalPath);
    return {
      files: [...(moves?.videoIds ?? []).map(videoFile), ...await filesAt(sql, [...paths, ...replaced])],
      action: moves === undefined ? 'replace' : 'move', waitSeconds: moves?.waitSeconds ?? 0,
    };
  }

  async #tell(job: Publishing, holders: readonly FileHolder[], waitSeconds: number): Promise<void> {
    const text = `Waiting at most ${waitSeconds} s until nobody uses the file: it is ${holders.map(holderWords).join('; ')}`;
    this.#logger.info({ jobId: job.id, epoch: job.epoch, holders: holders.map(holderWords) }, 'file in use, waiting');
    await noteWaiting(this.#deps.sql, job, text);
    this.#deps.hints.locks();
    this.#deps.hints.outbox();
  }

  async #inUse(attempt: { jobId: string; epoch: number }, { holders }: Exclude<WriteAnswer, { kind: 'held' }>): Promise<JobRefused> {
    await inTransaction(this.#deps.sql, (tx) => endAttemptWrite(tx, attempt));
    this.#deps.hints.locks();
    return new JobRefused('file_in_use', `The file is in use: ${holders.map(holderWords).join('; ')}`, true);
  }
}
