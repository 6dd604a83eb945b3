import { type App, systemClock, toError, waitAtMost } from '@reelay/runtime';
import type { Supervisor } from '@reelay/runtime/supervisor';
import { addDemoClip, makeDemoClip } from './demo-clip.ts';
import { knownAdminPassword } from './sign-in.ts';

const WAIT_MS = 8_000;

/** The demo clip of a first start: encoded while the system starts, added when it answers. Whatever goes wrong with it, the system is ready. */
export class Demo {
  readonly #app: App;
  readonly #dataDir: string;
  readonly #clip: Promise<string>;

  constructor(app: App, { supervisor, ffmpeg, dataDir }: { supervisor: Supervisor; ffmpeg: string; dataDir: string }) {
    this.#app = app;
    this.#dataDir = dataDir;
    this.#clip = makeDemoClip(app.ctx, supervisor, ffmpeg, dataDir);
    this.#clip.catch(() => {});
  }

  /** Adds the clip to an empty library; waits for it a short time only. */
  async add(baseUrl: string, passwordFromEnv: string | undefined): Promise<void> {
    const work = this.#add(baseUrl, passwordFromEnv).catch((thrown: unknown) => this.#app.logger.warn({ err: toError(thrown) }, 'no demo clip'));
    await waitAtMost(systemClock, WAIT_MS, work);
  }

  async #add(baseUrl: string, passwordFromEnv: string | undefined): Promise<void> {
    const path = await this.#clip;
    const password = await knownAdminPassword(this.#dataDir, passwordFromEnv);
    if (password === null || this.#app.ctx.cancelled) return;
    const outcome = await addDemoClip({ baseUrl, password, path, dataDir: this.#dataDir });
    if (outcome === 'added') this.#app.logger.info('demo clip added to the library');
  }
}
