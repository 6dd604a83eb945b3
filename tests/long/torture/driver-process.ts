/** One run of the driver, seen from the test. */
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { findExecutable } from '@reelay/runtime/supervisor';
import { bundleProgram } from '../../../runtime/src/test-support/processes.ts';
import { LoggedProcess } from '../../kit/logged-process.ts';
import type { ChildEnd, FromDriver, ToDriver } from './driver-messages.ts';

/** Which helpers the system has: with setpriv the kernel ends orphans, without it the guardian; without flock a socket is the lock. */
export const HELPERS = ['setpriv and flock', 'no setpriv', 'neither setpriv nor flock'] as const;
export type Helpers = (typeof HELPERS)[number];

/** All of them are what a POSIX system or util-linux has; grep and sleep are the guardian's. */
const PROGRAMS = ['sh', 'true', 'sleep', 'grep', 'setsid', 'yes', 'cat', 'kill', 'flock', 'prlimit', 'nice', 'ionice', 'setpriv'];

export interface PreparedDriver {
  program: string;
  paths: Record<Helpers, string>;
}

/** Bundles the driver and makes one folder for PATH per choice of helpers. */
export const prepareDriver = async (folder: string): Promise<PreparedDriver> => {
  const program = join(folder, 'driver.cjs');
  await bundleProgram(`import ${JSON.stringify(join(import.meta.dirname, 'driver.ts'))};`, program);
  const pathWithout = (name: string, ...missing: string[]): string => {
    const path = join(folder, name);
    mkdirSync(path);
    for (const program of PROGRAMS.filter((it) => !missing.includes(it))) {
      const found = findExecutable(program, process.env['PATH'] ?? '');
      if (found !== null) symlinkSync(found, join(path, program));
    }
    return path;
  };
  return {
    program,
    paths: { 'setpriv and flock': pathWithout('path-all'), 'no setpriv': pathWithout('path-no-setpriv', 'setpriv'), 'neither setpriv nor flock': pathWithout('path-bare', 'setpriv', 'flock') },
  };
};

export interface DriverOptions {
  nodeArgs?: string[];
  /** A shell's line in front of it, such as `ulimit -v 900000`. */
  limit?: string;
  /** What an orderly stop gives to children that ignore SIGTERM. */
  graceMs?: number;
}

export class DriverProcess extends LoggedProcess {
  readonly pids = new Map<string, number>();
  readonly alive = new Set<string>();
  /** Children whose end was ordered, and the order carried out. */
  readonly told = new Set<string>();
  readonly ends = new Map<string, ChildEnd>();
  #settled: (children: number) => void = () => {};

  constructor({ program, paths }: PreparedDriver, folder: string, helpers: Helpers, { nodeArgs = [], limit, graceMs = 500 }: DriverOptions = {}) {
    const argv = [process.execPath, ...nodeArgs, program];
    const [file = '', ...args] = limit === undefined ? argv : ['/bin/sh', '-c', `${limit}; exec "$@"`, 'sh', ...argv];
    const env = { PATH: paths[helpers], HOME: folder, DRIVER_DIR: folder, DRIVER_GRACE_MS: String(graceMs), TMPDIR: join(folder, 'tmp'), REELAY_LOG_LEVEL: 'debug' };
    super({ file, args, cwd: folder, env }, (message) => this.#hear(message as FromDriver));
  }

  order(message: ToDriver): void {
    this.tell(message);
  }

  /** How many children it still has, once it has done all it was told. */
  settle(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#settled = resolve;
      void this.ended.then(() => reject(new Error('the driver ended')));
      this.order({ kind: 'settle' });
    });
  }

  #hear(message: FromDriver): void {
    if ('ready' in message || message.kind === 'refused') return;
    if (message.kind === 'started') this.pids.set(message.id, message.pid);
    else if (message.kind === 'alive') this.alive.add(message.id);
    else if (message.kind === 'told') this.told.add(message.id);
    else if (message.kind === 'ended') this.ends.set(message.id, message.end);
    else this.#settled(message.children);
  }
}
