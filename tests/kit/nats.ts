/** A real nats-server in operator mode, with the repository's nats.conf, for one test file. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createLogger, Ctx, freePort, Shutdown } from '@reelay/runtime';
import { Supervisor } from '@reelay/runtime/supervisor';
import { NatsKeys } from '../../launcher/src/nats/keys.ts';
import { natsServerEnv, untilNatsReady } from '../../launcher/src/nats/server.ts';

export interface TestNats {
  url: string;
  keys: NatsKeys;
  /** SIGKILLs the server and starts it again on the same port and files. */
  restart: () => Promise<void>;
  /** Ends the server and removes its files. */
  stop: () => Promise<void>;
}

const HOST = '127.0.0.1';

export async function startTestNats(): Promise<TestNats> {
  const folder = await mkdtemp(join(tmpdir(), 'reelay-nats-'));
  const ctx = Ctx.root('nats');
  const supervisor = new Supervisor({ logger: createLogger({ service: 'test', level: 'silent' }), env: process.env });
  const keys = await NatsKeys.open(folder);
  const port = await freePort(HOST);
  const launch = async () => {
    await keys.refreshAccounts();
    const proc = supervisor.spawn(ctx, {
      name: 'nats',
      argv0: process.env['NATS_SERVER_PATH'] ?? 'nats-server',
      args: ['-c', resolve(import.meta.dirname, '../../nats.conf')],
      env: natsServerEnv(keys.paths, { host: HOST, port }),
      group: 'own',
    });
    await untilNatsReady(HOST, port, () => !proc.alive);
    if (!proc.alive) throw new Error(`nats-server ended: ${proc.stderrTail()}`);
    return proc;
  };
  let proc = await launch();
  return {
    url: `nats://${HOST}:${port}`,
    keys,
    restart: async () => {
      proc.killNow(new Shutdown('restart'));
      await proc.exit;
      proc = await launch();
    },
    stop: async () => {
      await supervisor.terminateAll(new Shutdown('the test ends'), 2_000);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
