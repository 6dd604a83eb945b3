/** A gateway without a socket on real Postgres, NATS and a library folder of its own, for the tests beside the code. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job, Role, User, Video } from '@reelay/contracts';
import { createLogger, Ctx, type Logger, newId, readSettings, ReleaseStack, SigningKeys, systemClock } from '@reelay/runtime';
import { type Bus, connectBus } from '@reelay/runtime/bus';
import { insertToken, insertUser, type Sql } from '@reelay/store';
import { createTestDatabase, stopTestServer } from '@reelay/store/testing';
import { hashPassword } from '../src/auth/passwords.ts';
import { hashToken, newToken } from '../src/auth/tokens.ts';
import type { GatewayDeps } from '../src/deps.ts';
import { startGateway } from '../src/gateway.ts';
import type { App } from '../src/http/env.ts';
import { StaticFiles } from '../src/http/static-files.ts';
import { gatewaySettings } from '../src/settings.ts';
import { prepareLibrary } from '../src/startup/library.ts';
import { startTestNats } from './nats.ts';

export const PASSWORD = 'a good password';

export interface CallOptions {
  /** A role, a token, or null for nobody. */
  as?: string | null;
  body?: unknown;
  /** Sent as it is. */
  raw?: BodyInit;
  headers?: Record<string, string>;
}

export interface TestGateway {
  app: App;
  deps: GatewayDeps;
  sql: Sql;
  bus: Bus;
  natsUrl: string;
  databaseUrl: string;
  libraryRoot: string;
  users: Record<Role, User & { token: string }>;
  /** One request; SUPER_ADMIN unless `as` says otherwise (a role, a token, or null for nobody). */
  call: (method: string, path: string, options?: CallOptions) => Promise<Response>;
  /** As call, and parses the answer. @throws when the status is another */
  json: <T>(status: number, method: string, path: string, options?: CallOptions) => Promise<T>;
  upload: (filename: string, content?: string | Uint8Array<ArrayBuffer>) => Promise<Video>;
  createJob: (body: unknown, as?: Role) => Promise<Job>;
  drain: () => void;
  stop: () => Promise<void>;
}

export const startTestGateway = async (env: Record<string, string> = {}, ownLogger?: Logger): Promise<TestGateway> => {
  const [database, nats, folder] = await Promise.all([createTestDatabase(), startTestNats(), mkdtemp(join(tmpdir(), 'reelay-gateway-'))]);
  const settings = readSettings(gatewaySettings, {
    env: { DATABASE_URL: database.url, NATS_URL: nats.url, REELAY_SECRET_FILE: join(folder, 'secret'), REELAY_DATA_DIR: folder, MEDIA_LIBRARY_PATH: join(folder, 'media'), ...env },
  });
  const logger = ownLogger ?? createLogger({ service: 'gateway-test', level: process.env.TEST_LOG === '1' ? 'debug' : 'silent' });
  const bus = await connectBus({ url: nats.url, name: 'test', logger });
  const library = await prepareLibrary(database.sql, settings.MEDIA_LIBRARY_PATH);
  const ctx = Ctx.root('test');
  const release = new ReleaseStack(systemClock);
  const web = settings.REELAY_WEB_DIR === undefined ? null : await StaticFiles.open(settings.REELAY_WEB_DIR);
  const { app, deps } = await startGateway(ctx, release, {
    settings, sql: database.sql, bus, library, keys: SigningKeys.open(settings.REELAY_SECRET_FILE, systemClock), logger, clock: systemClock, web, processMetrics: false,
  });
  const users = await makeUsers(database.sql);
  const drain = () => deps.drain.enter('closing');

  const call: TestGateway['call'] = async (method, path, { as = 'SUPER_ADMIN', body, raw, headers = {} } = {}) => {
    const token = as === null ? null : as in users ? users[as as Role].token : as;
    return app.request(path, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined && raw === undefined ? {} : { body: raw ?? JSON.stringify(body)}),
    });
  };
  const json: TestGateway['json'] = async <T>(status: number, method: string, path: string, options?: CallOptions) => {
    const response = await call(method, path, options);
    const text = await response.text();
    if (response.status !== status) throw new Error(`${method} ${path}: ${response.status} instead of ${status}: ${text}`);
    return JSON.parse(text === '' ? 'null' : text) as T;
  };
  return {
    app, deps, sql: database.sql, bus, natsUrl: nats.url, databaseUrl: database.url, libraryRoot: library.path, users, call, json, drain,
    upload: (filename, content = 'not really a film') => json<Video>(201, 'POST', `/api/media/videos/upload?filename=${encodeURIComponent(filename)}`, { raw: content }),
    createJob: (body, as = 'SUPER_ADMIN') => json<Job>(201, 'POST', '/api/media/jobs', { body, as }),
    stop: async () => {
      drain();
      await release.release();
      await bus.close();
      await database.drop();
      await nats.stop();
      await stopTestServer();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

const makeUsers = async (sql: Sql): Promise<Record<Role, User & { token: string }>> => {
  const passwordHash = await hashPassword(PASSWORD);
  const make = async (role: Role): Promise<User & { token: string }> => {
    const user = await insertUser(sql, { id: newId(), username: role.toLowerCase(), passwordHash, role });
    if (user === null) throw new Error(`there is a user ${role} already`);
    const token = newToken('api');
    await insertToken(sql, { id: newId(), userId: user.id, kind: 'api', name: 'test', tokenHash: hashToken(token), lifeSeconds: null });
    return { ...user, token };
  };
  return { SUPER_ADMIN: await make('SUPER_ADMIN'), ADMIN: await make('ADMIN'), VIEWER: await make('VIEWER') };
};
