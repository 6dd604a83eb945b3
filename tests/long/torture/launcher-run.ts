/** One `npm start`, in a process group of its own as a terminal gives it, with a data folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { HowItEnded } from '../../kit/logged-process.ts';
import { processesOf } from '../../kit/processes.ts';

const READY = /Reelay is ready at http:\/\/localhost:(\d+)/;

export interface LauncherPlace {
  /** The clone. */
  repoRoot: string;
  dataDir: string;
  libraryRoot: string;
  /** More of the environment. */
  env?: Record<string, string>;
}

export class LauncherRun {
  readonly ready: Promise<void>;
  readonly ended: Promise<HowItEnded>;
  readonly #process: ChildProcess;
  #output = '';
  #isReady = false;

  /** With npm as people start it, or the program alone. */
  constructor(readonly place: LauncherPlace, readonly withNpm: boolean) {
    const [file, args] = withNpm ? ['npm', ['start', '--silent']] : [process.execPath, [join(place.repoRoot, 'launcher/start.mjs')]];
    this.#process = spawn(file, args, {
      cwd: place.repoRoot, detached: true, stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PORT: '0', HOST: '127.0.0.1', REELAY_DEMO: '0', REELAY_ADMIN_PASSWORD: 'test-password-of-admin', REELAY_DATA_DIR: place.dataDir, MEDIA_LIBRARY_PATH: place.libraryRoot, ...place.env },
    });
    this.ended = new Promise((resolve) => {
      // Not `close`: what is left behind may hold its pipes.
      this.#process.once('exit', (code, signal) => resolve({ code, signal }));
    });
    this.ready = new Promise((resolve, reject) => {
      for (const stream of [this.#process.stdout, this.#process.stderr]) stream?.on('data', (chunk: Buffer) => {
        this.#output += chunk.toString();
        if (this.#isReady || !READY.test(this.#output)) return;
        this.#isReady = true;
        resolve();
      });
      void this.ended.then((end) => reject(new Error(`it ended with ${JSON.stringify(end)} before it was ready: ${this.#output.slice(-1500)}`)));
    });
    this.ready.catch(() => {});
  }

  get output(): string {
    return this.#output;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${READY.exec(this.#output)?.[1] ?? '0'}`;
  }

  /** `group`: as Ctrl-C in a terminal does. `program`: start.mjs itself, which npm may stand before. */
  signal(signal: NodeJS.Signals, to: 'first' | 'group' | 'program'): void {
    const { pid } = this.#process;
    if (pid === undefined) return;
    const program = to === 'program' ? processesOf(this.place.dataDir).find(({ command }) => /node\S* \S*start\.mjs/.test(command))?.pid : undefined;
    try {
      process.kill(to === 'group' ? -pid : (program ?? pid), signal);
    } catch {
      // Gone.
    }
  }
}
