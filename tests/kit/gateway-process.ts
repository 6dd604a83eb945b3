/** A gateway of its own beside those of a running system: same database, library, keys; its own port and data folder. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { freePort } from '@reelay/runtime';
import type { System } from './system.ts';

const DIST = resolve(import.meta.dirname, '../../dist');
const HOST = '127.0.0.1';

export class GatewayProcess {
  readonly address: string;
  readonly #env: Record<string, string>;
  readonly #logFile: string;
  #child: ChildProcess | null = null;

  private constructor(readonly name: string, port: number, env: Record<string, string>, folder: string) {
    this.address = `${HOST}:${port}`;
    this.#logFile = join(folder, 'gateway.log');
    const { REELAY_LOCAL_PORT: _localPort, ...others } = env;
    // What is encoded for it comes to it, not to the first one.
    this.#env = { REELAY_NODES_URL: `http://${this.address}`, ...others, PORT: String(port), HOST, REELAY_DATA_DIR: folder, REELAY_RUN_DIR: folder };
  }

  /** Not started yet. */
  static async beside(system: System, name: string, env: Record<string, string>): Promise<GatewayProcess> {
    const folder = join(system.folder, name);
    await mkdir(folder, { recursive: true });
    return new GatewayProcess(name, await freePort(HOST), { ...system.environmentOf('gateway'), ...env }, folder);
  }

  /** Starts it and resolves when it says that it is ready. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, ['--enable-source-maps', join(DIST, 'gateway.js')], { env: this.#env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    this.#child = child;
    const log = createWriteStream(this.#logFile, { flags: 'a' });
    child.stdout?.pipe(log, { end: false });
    child.stderr?.pipe(log, { end: false });
    await new Promise<void>((ready, reject) => {
      child.once('exit', (code, signal) => {
        log.end();
        reject(new Error(`gateway ${this.name} ended with ${code ?? signal} before it was ready; see ${this.#logFile}`));
      });
      child.on('message', (message: { ready?: boolean }) => message.ready === true && ready());
    });
  }

  /** Sends the signal; resolves with the exit code, or the signal, once the process is gone. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string | null> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return null;
    const ended = once(child, 'exit') as Promise<[number | null, string | null]>;
    child.kill(signal);
    const [code, by] = await ended;
    this.#child = null;
    return code ?? by;
  }

  /** Stops it where it stands, as a machine that swaps would, or lets it go on. */
  freeze(isFrozen: boolean): void {
    this.#child?.kill(isFrozen ? 'SIGSTOP' : 'SIGCONT');
  }

  /** Everything it has logged, over all its lives. */
  log(): Promise<string> {
    return readFile(this.#logFile, 'utf8');
  }
}
