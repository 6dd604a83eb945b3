/** A program that logs JSON lines and says over its channel when it is ready, as all of ours do. */
import { type ChildProcess, spawn } from 'node:child_process';
import { JsonLog } from './json-log.ts';

export interface HowItEnded {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface LoggedProcessOptions {
  file: string;
  args: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
}

const running = new Set<ChildProcess>();
/** A test that is cut short leaves none of them. */
process.once('exit', () => {
  for (const one of running) one.kill('SIGKILL');
});

export class LoggedProcess {
  readonly log: JsonLog;
  readonly errors: JsonLog;
  /** What it said with it. Rejects when it ends before. */
  readonly ready: Promise<Record<string, unknown>>;
  /** Resolves when it is gone and all it wrote is read. */
  readonly ended: Promise<HowItEnded>;
  readonly #process: ChildProcess;
  readonly #changed = new Set<() => void>();
  #isOver = false;
  #isReady = false;

  constructor({ file, args, cwd, env }: LoggedProcessOptions, onMessage: (message: object) => void = () => {}) {
    this.#process = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], cwd, env });
    running.add(this.#process);
    const { stdout, stderr } = this.#process;
    if (stdout === null || stderr === null) throw new TypeError('it has pipes');
    this.log = new JsonLog(stdout, () => this.changed());
    this.errors = new JsonLog(stderr);
    this.ended = new Promise((resolve) => {
      this.#process.once('close', (code, signal) => {
        this.#isOver = true;
        running.delete(this.#process);
        this.changed();
        resolve({ code, signal });
      });
    });
    this.ready = new Promise((resolve, reject) => {
      this.#process.on('message', (message: object) => {
        if ('ready' in message) {
          this.#isReady = true;
          resolve({ ...message });
        } else onMessage(message);
        this.changed();
      });
      void this.ended.then((end) => reject(new Error(`it ended before it was ready: ${JSON.stringify(end)} ${this.errors.others.join('\n')}`)));
    });
    this.ready.catch(() => {});
  }

  get pid(): number {
    return this.#process.pid ?? -1;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  tell(message: object): void {
    if (this.#process.connected) this.#process.send(message, () => {});
  }

  /** False when it is gone already. */
  signal(signal: NodeJS.Signals): boolean {
    return this.#process.kill(signal);
  }

  /** Resolves when `test` holds, or when it is gone; looks at each message and each line of its log. */
  until(test: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!this.#isOver && !test()) return;
        this.#changed.delete(look);
        resolve();
      };
      this.#changed.add(look);
      look();
    });
  }

  protected changed(): void {
    for (const look of this.#changed) look();
  }
}
