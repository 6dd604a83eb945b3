import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { delimiter } from 'node:path';
import { freePort } from '@reelay/runtime';

export interface TestNats {
  url: string;
  stop: () => Promise<void>;
}

/** A nats-server of its own; it ends with this process, however that ends. */
export const startTestNats = async (): Promise<TestNats> => {
  const port = await freePort();
  const program = process.env.NATS_SERVER_PATH ?? 'nats-server';
  const path = [process.env.PATH ?? '', '/usr/sbin', '/usr/local/sbin'].join(delimiter);
  const child: ChildProcess = spawn('setpriv', ['--pdeathsig', 'KILL', '--', program, '-a', '127.0.0.1', '-p', String(port)], { stdio: 'ignore', env: { PATH: path } });
  return {
    url: `nats://127.0.0.1:${port}`,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
};
