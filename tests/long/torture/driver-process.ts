/** One run of the driver, seen from the test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { findExecutable } from '@reelay/runtime/supervisor';
import { bundleProgram } from '../../../runtime/src/test-support/processes.ts';
import { JsonLog } from '../../kit/json-log.ts';
import type { ChildEnd, FromDriver, ToDriver } from './driver-messages.ts';

/** Which helpers the system has: with setpriv the kernel ends orphans, without it the guardian; without flock a socket is the lock. */
export const HELPERS = ['setpriv and flock', 'no setpriv', 'neither setpriv nor flock'] as const;
export type Helpers = (typeof HELPERS)[number];

const PROGRAMS = ['sh', 'true', 'sleep', 'setsid', 'yes', 'cat', 'tail', 'kill', 'flock', 'prlimit', 'nice', 'ionice', 'setpriv'];

/** Bundles the driver and makes one folder for PATH per choice of helpers. */
export const prepareDriver = async (folder: string): Promise<{ program: string; paths: Record<Helpers, string> }> => {
  const program = join(folder, 'driver.cjs');
  await bundleProgram(`import ${JSON.stringify(join(import.meta.dirname, 'driver.ts'))};`, program);
  const without = (name: string, ...missing: string[]): string => {
    const path = join(folder, name);
    mkdirSync(path);
    for (const found of PROGRAMS.filter((it) => !missing.includes(it)).map((it) => [it, findExecutable(it, process.env['PATH'] ?? '')] as const)) if (found[1] !== null) symlinkSync(found[1], join(path, found[0]));
    return path;
  };
  return { program, paths: { 'setpriv and flock': without('path-all'), 'no setpriv': without('path-no-setpriv', 'setpriv'), 'neither setpriv nor flock': without('path-bare', 'setpriv', 'flock') } };
};

export interface HowItEnded {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface DriverOptions {
  nodeArgs?: string[];
  /** A shell's line in front of it, such as `ulimit -v 900000`. */
  limit?: string;
  /** What an orderly stop, and the guardian, give to children that ignore SIGTERM. */
  graceMs?: number;
}

export class DriverProcess {
  readonly log: JsonLog;
  readonly errors: JsonLog;
  readonly ready: Promise<{ swept: number }>;
  /** Resolves when it is gone and all it wrote is read. */
  readonly ended: Promise<HowItEnded>;
  readonly pids = new Map<string, number>();
  readonly alive = new Set<string>();
  readonly ends = new Map<string, ChildEnd>();
  readonly refused = new Set<string>();
  readonly #process: ChildProcess;
  readonly #changed = new Set<() => void>();
  #settled: (children: number) => void = () => {};
  #isOver = false;

  constructor(program: string, folder: string, path: string, { nodeArgs = [], limit, graceMs = 500 }: DriverOptions = {}) {
    const argv = [process.execPath, ...nodeArgs, program, folder, String(graceMs)];
    const [file = '', ...args] = limit === undefined ? argv : ['/bin/sh', '-c', `${limit}; exec "$@"`, 'sh', ...argv];
    this.#process = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], cwd: folder, env: { PATH: path, HOME: folder, TMPDIR: join(folder, 'tmp'), REELAY_LOG_LEVEL: 'debug' } });
    const { stdout, stderr } = this.#process;
    if (stdout === null || stderr === null) throw new TypeError('the driver has pipes');
    this.log = new JsonLog(stdout);
    this.errors = new JsonLog(stderr);
    this.ended = new Promise((resolve) => {
      this.#process.once('close', (code, signal) => {
        this.#isOver = true;
        this.#tellChanged();
        resolve({ code, signal });
      });
    });
    this.ready = new Promise((resolve, reject) => {
      this.#process.on('message', (message: FromDriver) => this.#hear(message, resolve));
      void this.ended.then((end) => reject(new Error(`the driver ended before it was ready: ${JSON.stringify(end)} ${this.errors.others.join('\n')}`)));
    });
    this.ready.catch(() => {});
  }

  get pid(): number {
    return this.#process.pid ?? -1;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  tell(message: ToDriver): void {
    if (this.#process.connected) this.#process.send(message, () => {});
  }

  /** False when it is gone already. */
  signal(signal: NodeJS.Signals): boolean {
    return this.#process.kill(signal);
  }

  /** Resolves when `test` holds, or when the driver is gone. */
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

  /** How many children it still has, once it has done all it was told. */
  settle(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#settled = resolve;
      void this.ended.then(() => reject(new Error('the driver ended')));
      this.tell({ kind: 'settle' });
    });
  }

  #hear(message: FromDriver, ready: (info: { swept: number }) => void): void {
    if ('ready' in message) ready({ swept: message.swept });
    else if (message.kind === 'started') this.pids.set(message.id, message.pid);
    else if (message.kind === 'alive') this.alive.add(message.id);
    else if (message.kind === 'ended') this.ends.set(message.id, message.end);
    else if (message.kind === 'refused') this.refused.add(message.id);
    else this.#settled(message.children);
    this.#tellChanged();
  }

  #tellChanged(): void {
    for (const look of this.#changed) look();
  }
}
