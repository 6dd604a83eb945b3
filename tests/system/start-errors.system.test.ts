/** Why a service cannot start: one line each with what to do, an exit code that says what kind of fault it is, nothing left behind. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createServer, type Server } from 'node:net';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { openDatabase } from '@reelay/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '@reelay/runtime';
import { untilNatsReady } from '../../launcher/src/nats/server.ts';
import { type Infrastructure, startInfrastructure } from '../kit/infrastructure.ts';
import { startTestNats } from '../kit/nats.ts';
import { type Ended, Program } from '../kit/program.ts';

const root = resolve(import.meta.dirname, '../..');
const UNAVAILABLE = 69;
const RUNNING = 75;
const CONFIGURATION = 78;
const isRoot = process.getuid?.() === 0;
const NOBODY = { uid: 65_534, gid: 65_534 };
/** Root starts programs as somebody else, which needs that they may be read: not so below a home of mode 0700. */
const othersMayRead = isRoot && spawnSync(process.execPath, ['-e', 'require("node:fs").accessSync(process.argv[1])', import.meta.filename], { ...NOBODY, stdio: 'ignore' }).status === 0;
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
const HOST = '127.0.0.1';

let infrastructure: Infrastructure;
let folder: string;
let cluster: Infrastructure['cluster'];
let nats: Infrastructure['nats'];
let good: Record<string, string>;
let agent: Record<string, string>;

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  ({ folder, cluster, nats, hub: good, agent } = infrastructure);
});
afterAll(() => infrastructure.stop());

/** The start of one service in a folder of its own: its lines, its exit code, and what it left in the folder. */
const start = async (name: Program['name'], env: Record<string, string>, options: ConstructorParameters<typeof Program>[2] = {}): Promise<Ended & { lines: string[]; left: string[] }> => {
  const dir = mkdtempSync(join(folder, `${name}-`));
  chmodSync(dir, 0o777);
  const base = name === 'node-agent' ? { ...agent, REELAY_WORK_DIR: dir } : { ...good, REELAY_DATA_DIR: dir };
  const all = Object.fromEntries(Object.entries({ ...base, ...env }).filter(([, value]) => value !== ''));
  const ended = await new Program(name, all, options).ended;
  return { ...ended, lines: ended.stderr.trimEnd().split('\n'), left: readdirSync(dir) };
};
const expectRefusal = async (name: Program['name'], env: Record<string, string>, code: number, line: RegExp, options: ConstructorParameters<typeof Program>[2] = {}): Promise<void> => {
  const { lines, left, stdout, ...ended } = await start(name, env, options);
  expect({ lines, code: ended.code }).toEqual({ lines: [expect.stringMatching(line)], code });
  expect(left.filter((entry) => /\.(pid|lock|part)$/.test(entry))).toEqual([]);
  expect(stdout + lines.join('')).not.toContain('geheim');
};
const listening = (port = 0): Promise<Server> =>
  new Promise((done) => {
    const one = createServer();
    one.listen(port, HOST, () => done(one));
  });
const portOf = (one: Server): string => String((one.address() as { port: number }).port);

/** A program that stands before the real one. */
const wrapped = (name: string, script: string): string => {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return path;
};

describe('configuration', () => {
  it('all faults at once, a line each, and no value of a secret', async () => {
    const { lines, code } = await start('gateway', { PORT: 'many', DATABASE_URL: 'mysql://reelay:geheim@db/reelay', NATS_URL: '', REELAY_SESSION_DAYS: '0', REELAY_TLS_CERT: '' });
    expect(code).toBe(CONFIGURATION);
    expect(lines.map((line) => line.replace(/^(gateway: cannot start: \w+: ).*/, '$1'))).toEqual([
      'gateway: cannot start: DATABASE_URL: ', 'gateway: cannot start: NATS_URL: ', 'gateway: cannot start: PORT: ', 'gateway: cannot start: REELAY_SESSION_DAYS: ',
    ].toSorted((a, b) => lines.findIndex((line) => line.startsWith(a)) - lines.findIndex((line) => line.startsWith(b))));
    expect(lines.join('')).not.toContain('geheim');
  });
  it('a file of settings that is not there, or is no JSON', async () => {
    await expectRefusal('scheduler', { REELAY_CONFIG: '/no/such/reelay.json' }, CONFIGURATION, /^scheduler: cannot start: \/no\/such\/reelay\.json: cannot be read/);
    writeFileSync(join(folder, 'bad.json'), '{"DATABASE_URL": "postgres://x:geheim@y"');
    await expectRefusal('scheduler', { REELAY_CONFIG: join(folder, 'bad.json') }, CONFIGURATION, /bad\.json: is not a JSON object$/);
  });
});

describe('folders and files', () => {
  it('a data folder that cannot be made, a library that cannot be', async () => {
    writeFileSync(join(folder, 'file'), '');
    await expectRefusal('gateway', { REELAY_DATA_DIR: join(folder, 'file/data') }, CONFIGURATION, /^gateway: cannot start: the folder \S+ cannot take the lock and the pid file: a part of its path is a file \(ENOTDIR\)$/);
    await expectRefusal('gateway', { MEDIA_LIBRARY_PATH: join(folder, 'file/library') }, CONFIGURATION, /^gateway: cannot start: the folder \S+ cannot be written: a part of its path is a file \(ENOTDIR\); mend that, or set MEDIA_LIBRARY_PATH to another one$/);
  });
  it.runIf(othersMayRead)('a folder that this user may not write', async () => {
    mkdirSync(join(folder, 'of root'));
    writeFileSync(join(folder, 'nobodys'), 'x'.repeat(64), { mode: 0o600 });
    spawnSync('chown', ['65534:65534', join(folder, 'nobodys')]);
    await expectRefusal('node-agent', { REELAY_WORK_DIR: join(folder, 'of root') }, CONFIGURATION, /of root cannot take the lock and the pid file: this user may not \(EACCES\)$/, { spawn: NOBODY });
  });
  it.runIf(isRoot)('a library on a read-only disk', async ({ skip }) => {
    const readOnly = join(folder, 'read only');
    mkdirSync(readOnly);
    skip(spawnSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', readOnly]).status !== 0, 'nothing can be mounted here');
    try {
      await expectRefusal('gateway', { MEDIA_LIBRARY_PATH: readOnly }, CONFIGURATION, /read only cannot be written: the file system is read-only \(EROFS\); mend that, or set MEDIA_LIBRARY_PATH/);
    } finally {
      spawnSync('umount', [readOnly]);
    }
  });
  it('a signing key that others can read, credentials that are not there', async () => {
    writeFileSync(join(folder, 'open-secret'), 'x'.repeat(64), { mode: 0o644 });
    const { lines, code } = await start('gateway', { REELAY_SECRET_FILE: join(folder, 'open-secret') });
    expect([lines, code === 1 || code === CONFIGURATION]).toEqual([[expect.stringMatching(/can be read by others; its mode must be 0600$/)], true]);
    await expectRefusal('scheduler', { REELAY_NATS_CREDS: '/no/such.creds', ...(await prepared()) }, CONFIGURATION, /the NATS credentials in \/no\/such\.creds cannot be used \(it does not exist \(ENOENT\)\)/);
  });
  it.runIf(hasOpenssl)('TLS files that cannot be read, or do not belong together', async () => {
    const pair = (name: string) => execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=media.example', '-keyout', join(folder, `${name}.key`), '-out', join(folder, `${name}.crt`)], { stdio: 'ignore' });
    pair('a');
    pair('b');
    await expectRefusal('gateway', { REELAY_TLS_CERT: join(folder, 'a.crt'), REELAY_TLS_KEY: join(folder, 'none.key') }, CONFIGURATION, /REELAY_TLS_KEY \S+ cannot be read: it does not exist \(ENOENT\)$/);
    await expectRefusal('gateway', { REELAY_TLS_CERT: join(folder, 'a.crt'), REELAY_TLS_KEY: join(folder, 'b.key') }, CONFIGURATION, /do not belong together$/);
    await expectRefusal('gateway', { REELAY_TLS_CERT: join(folder, 'a.crt') }, CONFIGURATION, /must be given together$/);
  });
});

/** A library and a schema as a gateway makes them; answers nothing, for spreading. */
let gatewayHasBeen = false;
const prepared = async (): Promise<Record<string, string>> => {
  if (gatewayHasBeen) return {};
  const gateway = new Program('gateway', { ...good, REELAY_DATA_DIR: join(folder, 'first gateway') });
  await gateway.message(({ ready }) => ready === true);
  expect((await gateway.end()).code).toBe(0);
  gatewayHasBeen = true;
  return {};
};

describe('Postgres', () => {
  it('is not there: waited for, then said', async () => {
    const url = `postgres://reelay:geheim@${HOST}:${await freePort()}/reelay`;
    for (const name of ['gateway', 'scheduler'] as const) {
      await expectRefusal(name, { DATABASE_URL: url }, UNAVAILABLE, new RegExp(`^${name}: cannot start: cannot reach Postgres at postgres://\\*\\*\\*@127\\.0\\.0\\.1:\\d+/reelay \\(waited 1 s\\): .*ECONNREFUSED.*; start it, or check DATABASE_URL$`));
    }
  });
  it('refuses the password, or has no such database', async () => {
    await expectRefusal('gateway', { DATABASE_URL: cluster.url.replace('geheim', 'falsch') }, CONFIGURATION, /refuses the user or the password \(password authentication failed for user "reelay"\); check DATABASE_URL$/);
    await expectRefusal('scheduler', { DATABASE_URL: cluster.urlOf('none') }, CONFIGURATION, /has no such database \(database "none" does not exist\); make it with createdb, or check DATABASE_URL$/);
  });
  it('has no schema yet, or that of a newer release', async () => {
    const sql = openDatabase({ url: cluster.urlOf('postgres'), applicationName: 'test', maxConnections: 1 });
    await sql`create database empty`;
    await sql.end();
    await expectRefusal('scheduler', { DATABASE_URL: cluster.urlOf('empty') }, UNAVAILABLE, /the database lacks (\d+) of \1 migrations of this release \(waited 1 s\); start a gateway of this release, which applies them$/);
    await prepared();
    const ours = openDatabase({ url: cluster.url, applicationName: 'test', maxConnections: 1 });
    await ours`insert into schema_migrations (name, sha256) values ('999_future.sql', 'x')`;
    try {
      for (const name of ['gateway', 'scheduler'] as const) await expectRefusal(name, {}, CONFIGURATION, /brought up to date by a newer release of Reelay \(999_future\.sql\); start that release, or restore a backup from before$/);
    } finally {
      await ours`delete from schema_migrations where name = '999_future.sql'`;
      await ours.end();
    }
  });
});

describe('NATS', () => {
  it('is not there', async () => {
    await expectRefusal('gateway', { NATS_URL: `nats://${HOST}:${await freePort()}` }, UNAVAILABLE, /^gateway: cannot start: cannot reach NATS at nats:\/\/127\.0\.0\.1:\d+ \(waited 1 s, CONNECTION_REFUSED\); start it, or set NATS_URL$/);
  });
  it('refuses the credentials', async () => {
    const other = await startTestNats();
    try {
      await expectRefusal('gateway', { REELAY_NATS_CREDS: other.keys.paths.hubCreds, REELAY_STARTUP_WAIT_SECONDS: '5' }, CONFIGURATION, /^gateway: cannot start: NATS at \S+ refuses the credentials in \S+; make new ones and set REELAY_NATS_CREDS$/);
      await expectRefusal('node-agent', { REELAY_NATS_CREDS: await other.keys.createNodeCreds('one') }, CONFIGURATION, /^node-agent: cannot start: NATS at \S+ refuses the credentials in/);
    } finally {
      await other.stop();
    }
  });
  it('runs without JetStream', async () => {
    const port = await freePort();
    const plain = spawn(process.env['NATS_SERVER_PATH'] ?? 'nats-server', ['-a', HOST, '-p', String(port)], { stdio: 'ignore' });
    try {
      await untilNatsReady(HOST, port, () => plain.exitCode !== null);
      await expectRefusal('gateway', { NATS_URL: `nats://${HOST}:${port}`, REELAY_NATS_CREDS: '' }, CONFIGURATION, /runs without JetStream; start it with the nats\.conf of Reelay, or with --jetstream$/);
    } finally {
      plain.kill('SIGKILL');
    }
  });
});

describe('the port', () => {
  it('is taken, and by whom', async () => {
    const other = await listening();
    await expectRefusal('gateway', { PORT: portOf(other) }, UNAVAILABLE, new RegExp(`^gateway: cannot start: port ${portOf(other)} on 127\\.0\\.0\\.1 is used by process ${process.pid} \\(node .*\\); stop that or set PORT to another one$`));
    other.close();
  });
  it('is of no address of this machine', async () => {
    await expectRefusal('gateway', { HOST: '203.0.113.1' }, CONFIGURATION, /^gateway: cannot start: 203\.0\.113\.1 is no address of this machine; set HOST to one of its own, or to 0\.0\.0\.0 for all$/);
  });
});

describe('the service itself', () => {
  it('runs already: the other one is named, and not disturbed', async () => {
    for (const name of ['gateway', 'scheduler'] as const) {
      const dir = join(folder, `${name} twice`);
      const env = { ...good, REELAY_DATA_DIR: dir };
      const first = new Program(name, env);
      await first.message(({ ready }) => ready === true);
      const second = await new Program(name, env).ended;
      expect([second.code, second.stderr]).toEqual([RUNNING, `${name}: cannot start: ${name} already runs on ${dir} (process ${first.pid}); stop it first\n`]);
      expect((await first.end()).code).toBe(0);
      expect(readdirSync(dir).filter((entry) => /\.(pid|lock)$/.test(entry))).toEqual([]);
    }
  });
});

describe('ffmpeg', () => {
  it('is missing, does not run, is too old, or has no encoder', async () => {
    const real = agent['FFMPEG_PATH'] ?? 'ffmpeg';
    await expectRefusal('node-agent', { FFMPEG_PATH: '/no/such/ffmpeg' }, CONFIGURATION, /^node-agent: cannot start: \/no\/such\/ffmpeg was not found; install ffmpeg 4\.4 or newer, or set FFMPEG_PATH to it$/);
    await expectRefusal('node-agent', { FFPROBE_PATH: '/no/such/ffprobe' }, CONFIGURATION, /\/no\/such\/ffprobe was not found; .* set FFPROBE_PATH to it$/);
    await expectRefusal('node-agent', { FFMPEG_PATH: wrapped('broken', 'echo "libfoo.so.1: cannot open shared object file" >&2; exit 1') }, CONFIGURATION, /broken does not run \(exit code 1: libfoo\.so\.1: cannot open shared object file\)/);
    await expectRefusal('node-agent', { FFMPEG_PATH: wrapped('old', `exec '${real}' "$@" | sed '1s/version [^ ]*/version 4.1.9-0ubuntu/'`) }, CONFIGURATION, /old is version 4\.1; install ffmpeg 4\.4 or newer/);
    await expectRefusal('node-agent', { FFMPEG_PATH: wrapped('poor', `'${real}' "$@" | grep -v 264`) }, CONFIGURATION, /poor was built without an encoder for H\.264 \(libx264\); install a complete ffmpeg, or set FFMPEG_PATH to one$/);
    await expectRefusal('node-agent', { FFMPEG_PATH: wrapped('unable', `case "$*" in *-version*|*-encoders*) exec '${real}' "$@";; esac; echo "Error initializing output stream" >&2; exit 1`) }, CONFIGURATION, /^node-agent: cannot start: no H\.264 encoder of \S+unable works on this host \(.*libx264: .*\); install an ffmpeg with libx264/);
  });
});

describe('npm start', () => {
  it('shows the line of the program that cannot start, nothing else on stderr, and its exit code', async () => {
    const dir = mkdtempSync(join(folder, 'launcher-'));
    chmodSync(dir, 0o755);
    const child = spawn(process.execPath, [join(root, 'launcher/start.mjs')], {
      env: { ...process.env, PORT: '0', HOST, REELAY_DEMO: '0', REELAY_DATA_DIR: dir, DATABASE_URL: cluster.url.replace('geheim', 'falsch'), NATS_URL: nats.url, REELAY_NATS_CREDS: nats.keys.paths.hubCreds }, stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stdout.resume();
    child.stderr.on('data', (chunk: Buffer) => void (stderr += chunk.toString()));
    const code = await new Promise((done) => {
      child.once('close', done);
    });
    expect([stderr, code]).toEqual([expect.stringMatching(/^(gateway|scheduler): cannot start: Postgres at postgres:\/\/\*\*\*@\S+ refuses the user or the password \([^)]*\); check DATABASE_URL\n$/), CONFIGURATION]);
    expect(readdirSync(dir).filter((entry) => /\.(pid|lock)$/.test(entry))).toEqual([]);
  });
});
