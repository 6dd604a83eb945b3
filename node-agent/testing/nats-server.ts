import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { freePort } from '@reelay/runtime';

/** A nats-server of its own for a test; can be stopped and started again on its port. */
export class TestNats {
  readonly port: number;
  #child: ChildProcess | undefined;

  private constructor(port: number) {
    this.port = port;
  }

  static async start(): Promise<TestNats> {
    const nats = new TestNats(await freePort());
    nats.up();
    return nats;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  up(): void {
    const program = process.env.NATS_SERVER_PATH ?? 'nats-server';
    this.#child = spawn(program, ['-a', '127.0.0.1', '-p', String(this.port)], { stdio: 'ignore', env: { PATH: `${process.env.PATH ?? ''}:/usr/sbin` } });
  }

  async down(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}
