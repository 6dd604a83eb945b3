/** docker-compose.yml with its override for GPUs, and the Dockerfile, checked as far as that goes without an engine; the keys service really runs. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { nodeInboxPrefix, subjects } from '@reelay/contracts';
import { createLogger, Ctx, freePort, Shutdown } from '@reelay/runtime';
import { Supervisor } from '@reelay/runtime/supervisor';
import { connect, credsAuthenticator } from 'nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { gatewaySettings } from '../../gateway/src/settings.ts';
import { build } from '../../launcher/build.mjs';
import { keysSettings } from '../../launcher/src/keys-settings.ts';
import { untilNatsReady } from '../../launcher/src/nats/server.ts';
import { agentSettings } from '../../node-agent/src/settings.ts';
import { schedulerSettings } from '../../scheduler/src/settings.ts';

const root = resolve(import.meta.dirname, '../..');
const text = (path: string): string => readFileSync(join(root, path), 'utf8');

const healthcheck = z.union([
  z.strictObject({ disable: z.literal(true) }),
  z.strictObject({ test: z.tuple([z.literal('CMD')]).rest(z.string()), interval: z.string(), timeout: z.string(), retries: z.number(), start_period: z.string().optional() }),
]);
const service = z.strictObject({
  image: z.string(),
  build: z.strictObject({ context: z.string(), dockerfile: z.string(), target: z.string() }).optional(),
  init: z.literal(true).optional(),
  restart: z.enum(['no', 'unless-stopped']),
  stop_grace_period: z.literal('15s').optional(),
  logging: z.looseObject({ driver: z.string() }).optional(),
  user: z.string().regex(/^\d+:\d+$/).optional(),
  network_mode: z.literal('none').optional(),
  shm_size: z.string().optional(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).optional(),
  depends_on: z.record(z.string(), z.strictObject({ condition: z.enum(['service_healthy', 'service_completed_successfully']) })).optional(),
  healthcheck: healthcheck.optional(),
  volumes: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  deploy: z.looseObject({}).optional(),
});
const overrideSchema = z.strictObject({
  services: z.strictObject({
    keys: z.strictObject({ environment: z.record(z.string(), z.string()), volumes: z.array(z.string()) }),
    'agent-gpu': z.strictObject({
      extends: z.strictObject({ file: z.literal('docker-compose.yml'), service: z.literal('agent') }),
      environment: z.record(z.string(), z.string()), volumes: z.array(z.string()), deploy: z.looseObject({}),
    }),
  }),
  volumes: z.record(z.string(), z.null()),
});
const anyCompose = z.looseObject({ services: z.record(z.string(), z.looseObject({ environment: z.record(z.string(), z.string()).optional(), volumes: z.array(z.string()).optional() })), volumes: z.record(z.string(), z.null()) });

/** The two files as compose merges them: environment by name, lists one after the other unless `!override` says otherwise. */
function withGpu(main: unknown): unknown {
  const base = anyCompose.parse(main);
  const override = { tag: '!override', collection: 'seq' as const, identify: () => false };
  const gpu = overrideSchema.parse(parse(text('docker-compose.gpu.yml'), { merge: true, customTags: [override] }));
  const { keys, 'agent-gpu': agentGpu } = gpu.services;
  const { extends: _from, ...own } = agentGpu;
  return {
    ...base,
    services: {
      ...base.services,
      keys: { ...base.services['keys'], environment: { ...base.services['keys']?.environment, ...keys.environment }, volumes: [...(base.services['keys']?.volumes ?? []), ...keys.volumes] },
      'agent-gpu': { ...base.services['agent'], ...own, environment: { ...base.services['agent']?.environment, ...agentGpu.environment } },
    },
    volumes: { ...base.volumes, ...gpu.volumes },
  };
}

const composeSchema = z.looseObject({ name: z.string(), services: z.record(z.string(), service), volumes: z.record(z.string(), z.null()) });

const compose = composeSchema.parse(withGpu(parse(text('docker-compose.yml'), { merge: true })));
const services = Object.entries(compose.services);
/** Reelay's own images start tini by themselves. */
const isForeign = (name: string): boolean => name === 'postgres' || name === 'nats';
const named = (name: string) => {
  const found = compose.services[name];
  if (found === undefined) throw new Error(`no service ${name}`);
  return found;
};
/** `${NAME:-default}` as an engine fills it in when NAME is not set. */
const filled = (value: string): string => value.replace(/\$\{\w+:-([^}]*)\}/g, '$1');
const mountsOf = (name: string) =>
  named(name).volumes.map((volume) => {
    const [source = '', target = '', mode = 'rw'] = filled(volume).split(':');
    return { source, target, mode };
  });

const SETTINGS: Record<string, object> = { gateway: gatewaySettings, scheduler: schedulerSettings, agent: agentSettings, 'agent-gpu': agentSettings, keys: keysSettings };
const OF_THE_RUNTIME = /^(REELAY_CONFIG|NVIDIA_VISIBLE_DEVICES|NVIDIA_DRIVER_CAPABILITIES)$/;

describe('docker-compose.yml', () => {
  it('has every program of the system', () => {
    expect(Object.keys(compose.services).toSorted()).toEqual(['agent', 'agent-gpu', 'gateway', 'keys', 'nats', 'postgres', 'scheduler']);
  });
  it('gives long-lived programs time to stop and a parent that reaps', () => {
    for (const [name, one] of services) {
      if (name === 'keys') expect(one.restart).toBe('no');
      else expect(one, name).toMatchObject({ restart: 'unless-stopped', stop_grace_period: '15s' });
      expect(one.init, name).toBe(isForeign(name) ? true : undefined);
    }
  });
  it('waits for what exists and can become what is waited for', () => {
    for (const [name, one] of services) {
      for (const [other, { condition }] of Object.entries(one.depends_on ?? {})) {
        const needed = named(other);
        if (condition === 'service_completed_successfully') expect(needed.restart, `${name} waits for ${other}`).toBe('no');
        else expect(other === 'gateway' || (needed.healthcheck !== undefined && 'test' in needed.healthcheck), `${name} waits for ${other}`).toBe(true);
      }
    }
  });
  it('mounts only declared volumes and existing files, and uses every volume', () => {
    const used = new Set<string>();
    for (const [name] of services) {
      for (const { source, target, mode } of mountsOf(name)) {
        expect(target, `${name}: ${source}`).toMatch(/^\/[\w./-]+$/);
        expect(['ro', 'rw']).toContain(mode);
        if (source.startsWith('.')) expect(existsSync(join(root, source)), source).toBe(true);
        else used.add(source);
      }
    }
    expect([...used].toSorted()).toEqual(Object.keys(compose.volumes).toSorted());
  });
  it('names only settings that the programs read, and all that they require', () => {
    for (const [name, settings] of Object.entries(SETTINGS)) {
      const given = Object.keys(named(name).environment ?? {});
      expect(given.filter((variable) => !(variable in settings) && !OF_THE_RUNTIME.test(variable)), name).toEqual([]);
      const fromImage = new Set([...text('deploy/Dockerfile').matchAll(/\b(REELAY_\w+)=/g)].map((match) => match[1]));
      const missing = Object.entries(settings).filter(([variable, { schema }]) => !schema.safeParse(undefined).success && !given.includes(variable) && !fromImage.has(variable));
      // The database's password is in the file that REELAY_CONFIG names.
      expect(missing.map(([variable]) => variable).filter((variable) => variable !== 'DATABASE_URL'), name).toEqual([]);
    }
  });
  it('publishes the port of the gateway, and of NATS to this host alone', () => {
    expect(named('gateway').ports.map(filled)).toEqual(['4100:4100']);
    expect(named('nats').ports.map(filled)).toEqual(['127.0.0.1:4222:4222']);
    for (const [name, one] of services) if (name !== 'gateway' && name !== 'nats') expect(one.ports, name).toEqual([]);
  });
  it('runs NATS with the same nats.conf, and sets every variable in it', () => {
    expect(mountsOf('nats')).toContainEqual({ source: './nats.conf', target: '/etc/nats/nats.conf', mode: 'ro' });
    expect(named('nats').command).toEqual(['--config', '/etc/nats/nats.conf']);
    const wanted = [...text('nats.conf').replaceAll(/^\s*#.*$/gm, '').matchAll(/\$(\w+)/g)].map((match) => match[1] ?? '');
    expect(Object.keys(named('nats').environment ?? {}).toSorted()).toEqual(wanted.toSorted());
  });
  it('shows agents neither the database, nor the signing key, nor each other', () => {
    for (const name of ['agent', 'agent-gpu']) {
      const id = named(name).environment?.['REELAY_NODE_ID'];
      expect(mountsOf(name).filter(({ source }) => source.includes('secret')).map(({ source }) => source)).toEqual([`node-${id}-secrets`]);
      expect(Object.keys(named(name).environment ?? {})).not.toContain('DATABASE_URL');
    }
    expect(services.filter(([name]) => mountsOf(name).some(({ source }) => source === 'keys')).map(([name]) => name)).toEqual(['keys']);
  });
});

describe('deploy/Dockerfile', () => {
  const lines = text('deploy/Dockerfile').replaceAll(/\\\n\s*/g, ' ').split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const stages = lines.flatMap((line) => /^FROM \S+ AS (\w+)$/.exec(line)?.[1] ?? []);

  it('has the stages that compose builds', () => {
    for (const [name, one] of services) {
      if (one.build === undefined) continue;
      expect(existsSync(join(root, one.build.context, one.build.dockerfile)), name).toBe(true);
      expect(stages).toContain(one.build.target);
    }
  });
  it('copies what exists, is not ignored, and is all that the build reads', () => {
    const allowed = text('deploy/Dockerfile.dockerignore').split('\n').filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    const sources = lines.filter((line) => line.startsWith('COPY ') && !line.includes('--from=')).flatMap((line) => line.split(/\s+/).slice(1, -1));
    for (const source of sources) {
      expect(existsSync(join(root, source)), source).toBe(true);
      expect(allowed).toContain(source.split('/')[0]);
    }
    const workspaces = z.object({ workspaces: z.array(z.string()) }).parse(JSON.parse(text('package.json'))).workspaces;
    for (const workspace of workspaces) expect(sources, workspace).toEqual(expect.arrayContaining([workspace, `${workspace}/package.json`]));
  });
  it('starts programs that the build makes, as an ordinary user', () => {
    const built = [...text('launcher/build.mjs').matchAll(/^ {2}'?([\w-]+)'?: '[\w-]+\/src\/[\w-]+\.ts',$/gm)].map((match) => `dist/${match[1]}.js`);
    const commands = [...services.map(([, one]) => one.command ?? []), ...lines.filter((line) => line.startsWith('CMD ')).map((line): string[] => JSON.parse(line.slice(4)))];
    for (const command of commands) if (command[0] === 'node') expect(built).toContain(command[1]);
    for (const stage of ['hub', 'agent']) {
      const from = lines.findIndex((line) => line.endsWith(` AS ${stage}`));
      const next = lines.findIndex((line, index) => index > from && line.startsWith('FROM '));
      const users = lines.slice(from, next === -1 ? undefined : next).filter((line) => line.startsWith('USER '));
      expect(users.at(-1), stage).toBe('USER node');
    }
    expect(lines.some((line) => line.startsWith('HEALTHCHECK --'))).toBe(true);
    expect(lines).toContain('ENTRYPOINT ["/usr/bin/tini", "--"]');
  });
});

describe('the keys service', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reelay-keys-'));
  const supervisor = new Supervisor({ logger: createLogger({ service: 'test', level: 'silent' }), env: process.env });
  const uid = String(process.getuid?.() ?? 0);
  const makeKeys = () =>
    execFileSync(process.execPath, ['dist/keys.js'], {
      cwd: root,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], ...named('keys').environment, REELAY_SECRETS_DIR: folder, REELAY_HUB_UID: uid, REELAY_POSTGRES_UID: uid },
    });
  /** Where the keys service put what another service sees at `path`. */
  const inService = (name: string, path: string) => {
    const mount = mountsOf(name).find(({ target }) => path.startsWith(`${target}/`));
    const made = mountsOf('keys').find(({ source }) => source === mount?.source);
    return join(folder, (made?.target ?? '').replace('/secrets/', ''), path.slice((mount?.target ?? '').length));
  };
  const contents = () => readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(folder, name)).isFile()).toSorted().map((name) => [name, readFileSync(join(folder, name), 'utf8')]);

  beforeAll(async () => {
    await build({ repoRoot: root, say: () => {} });
    makeKeys();
  });
  afterAll(async () => {
    await supervisor.terminateAll(new Shutdown('the test ends'), 2_000);
    rmSync(folder, { recursive: true, force: true });
  });

  it('makes each secret once, for its owner alone', () => {
    const before = contents();
    expect(makeKeys()).toContain('2 nodes');
    expect(contents()).toEqual(before);
    for (const [name] of before) expect(statSync(join(folder, name ?? '')).mode & 0o077, name).toBe(0);
  });
  it('lays everything where compose mounts it', () => {
    const paths: [string, string][] = [
      ['gateway', '/secrets/hub/reelay.json'],
      ['gateway', '/secrets/hub/secret.key'],
      ['scheduler', '/secrets/hub/hub.creds'],
      ['postgres', '/secrets/postgres/password'],
      ['agent', '/secrets/node/node.creds'],
      ['agent-gpu', '/secrets/node/node.creds'],
      ['nats', '/nats/operator.jwt'],
    ];
    for (const [name, path] of paths) expect(existsSync(inService(name, path)), `${name} ${path}`).toBe(true);
  });
  it('gives NATS what nats.conf asks for, and nodes a way in', async () => {
    const port = await freePort();
    const env = Object.fromEntries(Object.entries(named('nats').environment ?? {}).map(([name, value]) => [name, value.replace('/nats/', `${folder}/nats/`)]));
    const proc = supervisor.spawn(Ctx.root('test'), {
      name: 'nats', argv0: process.env['NATS_SERVER_PATH'] ?? 'nats-server', args: ['--config', join(root, 'nats.conf')],
      env: { ...env, REELAY_NATS_HOST: '127.0.0.1', REELAY_NATS_PORT: String(port), REELAY_NATS_HTTP_PORT: String(await freePort()) }, group: 'own',
    });
    await untilNatsReady('127.0.0.1', port, () => !proc.alive);
    expect(proc.alive, proc.stderrTail()).toBe(true);
    const open = (creds: string, inboxPrefix: string) => connect({ servers: `127.0.0.1:${port}`, authenticator: credsAuthenticator(readFileSync(join(folder, creds))), inboxPrefix });
    const hub = await open('hub/hub.creds', '_INBOX');
    const node = await open('nodes/cpu-1/node.creds', nodeInboxPrefix('cpu-1'));
    hub.subscribe(subjects.anyNode('hello'), { callback: (_error, message) => message.respond('welcome') });
    await hub.flush();
    expect((await node.request(subjects.node('cpu-1', 'hello'), '', { timeout: 2_000 })).string()).toBe('welcome');
    await Promise.all([hub.close(), node.close()]);
  });
});
