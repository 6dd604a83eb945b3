import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Agent, get, type RequestOptions } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { OpenAPIHono } from '@hono/zod-openapi';
import { createLogger, Ctx, LiveSettings, systemClock } from '@reelay/runtime';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { AppEnv } from '../http/env.ts';
import { checkGatewaySettings, gatewaySettings } from '../settings.ts';
import { Drain } from './drain.ts';
import { HttpServer } from './http-server.ts';
import { Requests } from './requests.ts';

const OPENSSL = 'openssl';
const folder = mkdtempSync(join(tmpdir(), 'reelay-tls-reload-'));
const at = (name: string): string => join(folder, name);
const file = at('reelay.json');
const logger = createLogger({ service: 'test', level: 'silent' });

let live: LiveSettings<typeof gatewaySettings>;
let server: HttpServer;
const start = async (settings: Record<string, unknown>): Promise<void> => {
  writeFileSync(file, JSON.stringify(settings));
  const env = { DATABASE_URL: 'postgres://x', NATS_URL: 'nats://x', REELAY_SECRET_FILE: 'x', PORT: '0', HOST: '127.0.0.1' };
  live = new LiveSettings(gatewaySettings, { env, file, check: checkGatewaySettings, logger });
  const app = new OpenAPIHono<AppEnv>();
  app.get('/', (c) => c.text('yes'));
  server = new HttpServer({ app, settings: live.values, drain: new Drain(), requests: new Requests(), clock: systemClock, logger });
  await server.start(Ctx.root('test'));
  live.use((next) => server.prepare(next));
};
const reload = async (settings: Record<string, unknown>) => {
  writeFileSync(file, JSON.stringify(settings));
  return live.reload();
};
afterEach(() => server.stop());
afterAll(() => rmSync(folder, { recursive: true }));

/** One request; answers the name in the certificate that the server showed. */
const ask = async (options: RequestOptions): Promise<string> => {
  const [response] = (await once(get(`https://127.0.0.1:${server.port}/`, { rejectUnauthorized: false, ...options }), 'response')) as [IncomingMessage];
  const { socket } = response;
  const name = socket instanceof TLSSocket ? socket.getPeerCertificate().subject.CN : undefined;
  response.resume();
  await once(response, 'end');
  expect(response.statusCode).toBe(200);
  return String(name);
};
const askAnew = (): Promise<string> => ask({ agent: new Agent({ keepAlive: false }) });

describe.skipIf(spawnSync(OPENSSL, ['version']).status !== 0)('TLS', () => {
  const [cert, key] = [at('cert.pem'), at('key.pem')];
  const use = (name: string): void => {
    copyFileSync(at(`${name}.cert`), cert);
    copyFileSync(at(`${name}.key`), key);
  };

  beforeAll(() => {
    for (const name of ['old', 'new']) {
      spawnSync(OPENSSL, ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', at(`${name}.key`), '-out', at(`${name}.cert`), '-days', '1', '-subj', `/CN=${name}`]);
    }
  });
  beforeEach(async () => {
    use('old');
    await start({ REELAY_TLS_CERT: cert, REELAY_TLS_KEY: key });
  });

  test('a new connection sees the new certificate, one that is open goes on', async () => {
    const keeping = new Agent({ keepAlive: true, maxSockets: 1 });
    expect(await ask({ agent: keeping })).toBe('old');
    const [socket] = Object.values(keeping.freeSockets).flat();
    use('new');
    expect(await live.reload()).toMatchObject({ changed: ['the TLS certificate'] });
    expect(await askAnew()).toBe('new');
    expect(await ask({ agent: keeping })).toBe('old');
    expect(Object.values(keeping.freeSockets).flat()).toEqual([socket]);
    keeping.destroy();
  });

  test('files that do not belong together, are none, or are not there are refused; the old ones stay', async () => {
    copyFileSync(at('new.cert'), cert);
    await expect(live.reload()).rejects.toMatchObject({ code: 'tls_files_invalid', message: expect.stringContaining('do not belong together') as string });
    writeFileSync(cert, 'nothing');
    await expect(live.reload()).rejects.toMatchObject({ code: 'tls_files_invalid', message: expect.stringContaining('PEM') as string });
    rmSync(cert);
    await expect(live.reload()).rejects.toMatchObject({ code: 'tls_files_invalid', message: expect.stringContaining('ENOENT') as string });
    expect(await askAnew()).toBe('old');
  });

  test('other paths count; HTTPS itself is not turned off', async () => {
    expect(await reload({ REELAY_TLS_CERT: at('new.cert'), REELAY_TLS_KEY: at('new.key') })).toMatchObject({ changed: ['REELAY_TLS_CERT', 'REELAY_TLS_KEY', 'the TLS certificate'] });
    expect(await askAnew()).toBe('new');
    expect(await reload({})).toMatchObject({ changed: [], needsRestart: ['REELAY_TLS_CERT', 'REELAY_TLS_KEY'] });
    expect(await askAnew()).toBe('new');
    await expect(reload({ REELAY_TLS_CERT: cert })).rejects.toMatchObject({ code: 'config_invalid' });
  });
});

/** Resolves when the server has closed a connection on which this was sent. */
const closed = async (text: string): Promise<void> => {
  const socket = connect(server.port, '127.0.0.1', () => socket.write(text));
  socket.on('error', () => {}).resume();
  await once(socket, 'close');
};

test('an idle connection is closed by the limit of the last reload, and so is a client that stalls', async () => {
  await start({});
  expect(await reload({ REELAY_IDLE_TIMEOUT_SECONDS: 1, REELAY_STALL_TIMEOUT_SECONDS: 1 })).toMatchObject({ changed: ['REELAY_IDLE_TIMEOUT_SECONDS', 'REELAY_STALL_TIMEOUT_SECONDS'] });
  await closed('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  await closed('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nstalls');
});
