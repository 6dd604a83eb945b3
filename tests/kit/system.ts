/** The whole system as `npm start` runs it, in a folder of its own, for system and browser tests. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Found, processesOf } from './processes.ts';

const repoRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const READY = /Reelay is ready at https?:\/\/localhost:(\d+)/;
const PROGRAMS = {
  gateway: /dist\/gateway\.js/,
  scheduler: /dist\/scheduler\.js/,
  'node-agent': /dist\/node-agent\.js/,
  nats: /nats-server.* -c /,
  postgres: /bin\/postgres -D/,
} as const;
export type Program = keyof typeof PROGRAMS;

export interface System {
  /** Changes with `restart`. */
  readonly baseUrl: string;
  readonly adminPassword: string;
  readonly folder: string;
  readonly libraryRoot: string;
  /** All it has printed. */
  output(): string;
  /** Sends a signal to the launcher. */
  signal(signal: NodeJS.Signals): void;
  /** ffmpeg and ffprobe processes of this system. */
  workers(): Promise<Found[]>;
  /** Process id of a program. @throws when it does not run */
  pidOf(program: Program): number;
  /** What a program was started with, secrets included: to start another like it, or to look into the database. */
  environmentOf(program: Program): Record<string, string>;
  /** Sends a signal to one program and resolves when that process is gone. */
  kill(program: Program, signal: NodeJS.Signals): Promise<void>;
  /** SIGTERM, then a start on the same folder. */
  restart(): Promise<void>;
  /** SIGKILL to the launcher; resolves when no process is left. */
  crash(): Promise<void>;
  /** Stops, checks that no process and no part file is left, and removes the folder. */
  stop(): Promise<void>;
}

export interface SystemOptions {
  env?: Record<string, string>;
}

/** Resolves when `test` holds; checks each 20 ms, for processes tell nobody when they end. */
const until = async (what: string, test: () => boolean, timeoutMs = 20_000): Promise<void> => {
  const deadline = performance.now() + timeoutMs;
  while (!test()) {
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

class RunningSystem implements System {
  readonly adminPassword = 'test-password-of-admin';
  readonly libraryRoot: string;
  #child: ChildProcess | null = null;
  #output = '';
  #port = 0;

  constructor(readonly folder: string, readonly env: Record<string, string>) {
    this.libraryRoot = join(folder, 'library root');
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  output(): string {
    return this.#output;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, [join(repoRoot, 'launcher/start.mjs')], {
      cwd: repoRoot,
      env: {
        ...process.env, PORT: '0', HOST: '127.0.0.1', REELAY_DATA_DIR: join(this.folder, 'data'), MEDIA_LIBRARY_PATH: this.libraryRoot,
        REELAY_ADMIN_PASSWORD: this.adminPassword, REELAY_DEMO: '0',
        // Tests run beside other work, and wait for the jobs.
        REELAY_BATCH_NICE: '10', ...this.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#output = '';
    await new Promise<void>((ready, reject) => {
      const take = (chunk: Buffer): void => {
        this.#output += chunk.toString();
        const match = READY.exec(this.#output);
        if (match === null) return;
        this.#port = Number(match[1]);
        ready();
      };
      child.stdout?.on('data', take);
      child.stderr?.on('data', take);
      child.once('exit', (code) => reject(new Error(`the system ended with ${code} before it was ready:\n${this.#output}`)));
    });
  }

  async workers(): Promise<Found[]> {
    // Also behind a loader: ld-linux.so --library-path … /usr/bin/ffmpeg …
    return processesOf(this.folder).filter(({ command }) => /(^|[/ ])ff(mpeg|probe)( |$)/.test(command) && !/\.js( |$)/.test(command));
  }

  pidOf(program: Program): number {
    // A wrapper in front of a program has it in its command line too, for an instant: the last one is the program.
    const found = processesOf(this.folder).findLast(({ command }) => PROGRAMS[program].test(command));
    if (found === undefined) throw new Error(`${program} does not run`);
    return found.pid;
  }

  environmentOf(program: Program): Record<string, string> {
    const lines = readFileSync(`/proc/${this.pidOf(program)}/environ`, 'utf8').split('\0');
    return Object.fromEntries(lines.filter((line) => line.includes('=')).map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
  }

  async kill(program: Program, signal: NodeJS.Signals): Promise<void> {
    const killed = this.pidOf(program);
    process.kill(killed, signal);
    await until(`${program} to be gone`, () => !processesOf(this.folder).some(({ pid }) => pid === killed));
  }

  async restart(): Promise<void> {
    await this.#end('SIGTERM');
    await this.start();
  }

  async crash(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async stop(): Promise<void> {
    if (this.#child !== null) await this.#end('SIGTERM');
    const parts = (await readdir(this.libraryRoot, { recursive: true })).filter((name) => name.endsWith('.part'));
    await rm(this.folder, { recursive: true, force: true });
    if (parts.length > 0) throw new Error(`part files are left: ${parts.join(', ')}`);
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    this.#child = null;
    const ended = child.exitCode !== null ? Promise.resolve() : new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
    await until(`every process to be gone after ${signal}: ${JSON.stringify(processesOf(this.folder))}`, () => processesOf(this.folder).length === 0);
  }
}

/** Builds what is stale and starts the system on free ports; resolves when it says that it is ready. */
export const startSystem = async (options: SystemOptions = {}): Promise<System> => {
  const folder = await mkdtemp(join(tmpdir(), 'reelay-system-'));
  // As root, Postgres runs as another user and must get to its folder.
  await chmod(folder, 0o755);
  const system = new RunningSystem(folder, options.env ?? {});
  await system.start();
  return system;
};
