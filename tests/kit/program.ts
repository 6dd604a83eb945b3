/** One of our programs, as it is built, on its own: for its start, its signals and its end. */
import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { join, resolve } from 'node:path';

const DIST = resolve(import.meta.dirname, '../../dist');

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export class Program {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  readonly #messages: Record<string, unknown>[] = [];
  #heard: () => void = () => {};
  #stdout = '';
  #stderr = '';

  /** `env` is all of its environment but PATH. */
  constructor(readonly name: 'gateway' | 'scheduler' | 'node-agent', env: Record<string, string>, more: { args?: string[]; nodeArgs?: string[]; spawn?: SpawnOptions } = {}) {
    this.child = spawn(process.execPath, [...(more.nodeArgs ?? []), join(DIST, `${name}.js`), ...(more.args ?? [])], {
      env: { PATH: process.env['PATH'], ...env }, stdio: ['ignore', 'pipe', 'pipe', 'ipc'], ...more.spawn,
    });
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.#stdout += chunk.toString();
      this.#heard();
    });
    this.child.stderr?.on('data', (chunk: Buffer) => void (this.#stderr += chunk.toString()));
    this.child.on('message', (message: Record<string, unknown>) => {
      this.#messages.push(message);
      this.#heard();
    });
    this.ended = new Promise((done) => {
      this.child.once('close', (code, signal) => {
        done({ code, signal, stdout: this.#stdout, stderr: this.#stderr });
        this.#heard();
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Resolves with the first message that `fits`. @throws when the program ends before */
  async message(fits: (message: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> {
    return this.#until(() => this.#messages.find(fits));
  }

  /** Resolves when it has logged this. @throws when the program ends before */
  async logged(text: string): Promise<void> {
    await this.#until(() => (this.#stdout.includes(text) ? true : undefined));
  }

  /** Sends the signal and waits for the end. */
  end(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    this.child.kill(signal);
    return this.ended;
  }

  async #until<T>(look: () => T | undefined): Promise<T> {
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (!this.isRunning) throw new Error(`${this.name} has ended: ${this.#stderr}${this.#stdout}`);
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }
}
