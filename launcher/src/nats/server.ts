import { connect as connectSocket } from 'node:net';
import { type Clock, delay, systemClock } from '@reelay/runtime';
import type { NatsPaths } from './keys.ts';

const quoted = (path: string): string => JSON.stringify(path);

/** What nats.conf reads from the environment. */
export function natsServerEnv(paths: NatsPaths, listen: { host: string; port: number }): Record<string, string> {
  return {
    REELAY_NATS_HOST: quoted(listen.host),
    REELAY_NATS_PORT: String(listen.port),
    REELAY_NATS_HTTP_PORT: '0',
    REELAY_NATS_OPERATOR: quoted(paths.operator),
    REELAY_NATS_ACCOUNTS_DIR: quoted(paths.accounts),
    REELAY_NATS_STORE_DIR: quoted(paths.store),
  };
}

const READY_POLL_MS = 15;

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectSocket({ host, port });
    socket.once('data', (hello) => {
      socket.destroy();
      resolve(hello.toString('latin1').startsWith('INFO '));
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}

/** Resolves when the server greets a client. */
export async function untilNatsReady(host: string, port: number, isGone: () => boolean, clock: Clock = systemClock): Promise<void> {
  while (!isGone() && !(await accepts(host, port))) await delay(clock, READY_POLL_MS);
}
