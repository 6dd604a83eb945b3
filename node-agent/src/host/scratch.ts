import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Scratch folders of attempts: `<workDir>/scratch/<runId>/<jobId>.<epoch>`, so that a start can drop those of earlier runs. */
export class Scratch {
  readonly #root: string;
  readonly #runId: string;

  constructor(workDir: string, runId: string) {
    this.#root = join(workDir, 'scratch');
    this.#runId = runId;
  }

  /** Where an attempt may put files; made by the job's process when it needs it. */
  folderOf(jobId: string, epoch: number): string {
    return join(this.#root, this.#runId, `${jobId}.${epoch}`);
  }

  /** Makes this run's folder and removes those of earlier runs, but for `stuckRuns`, which may still write. Call it while holding the instance lock. */
  async open(stuckRuns: readonly string[] = []): Promise<void> {
    await mkdir(join(this.#root, this.#runId), { recursive: true });
    const names = await readdir(this.#root);
    await Promise.all(names.filter((name) => name !== this.#runId && !stuckRuns.includes(name)).map((name) => rm(join(this.#root, name), { recursive: true, force: true })));
  }

  /** Removes an attempt's folder. Only after its processes are gone: what still writes would bring it back (measured). */
  async remove(jobId: string, epoch: number): Promise<void> {
    await rm(this.folderOf(jobId, epoch), { recursive: true, force: true, maxRetries: 3, retryDelay: 50 });
  }

  /** Removes all of this run. */
  async close(): Promise<void> {
    await rm(join(this.#root, this.#runId), { recursive: true, force: true, maxRetries: 3, retryDelay: 50 });
  }
}
