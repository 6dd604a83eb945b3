import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { execFile } from 'node:child_process';
import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createLogger, systemClock } from '@reelay/runtime';
import { Supervisor } from '@reelay/runtime/supervisor';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EXIT } from '../exit-codes.ts';
import { findPlace } from '../instance/place.ts';
import { EmptyHome } from '../testing.ts';
import { redacted } from './bundle.ts';
import { type Check, ok, type Patient } from './check.ts';
import { examine } from './examine.ts';

const execute = promisify(execFile);
let home: EmptyHome;
const servers: Server[] = [];
beforeEach(async () => {
  home = await EmptyHome.make();
});
afterEach(async () => {
  for (const server of servers.splice(0)) server.close();
  await home.remove();
});

interface Report {
  ok: boolean;
  counts: Record<string, number>;
  checks: { id: string; findings: { verdict: string; message: string; advice?: string }[] }[];
}
const doctor = async (env: Record<string, string> = {}): Promise<{ code: unknown; report: Report; of: (id: string) => string }> => {
  const { code, out, err } = await home.run(['doctor', '--json'], env);
  expect(err).toBe('');
  const report = JSON.parse(out) as Report;
  const of = (id: string): string => (report.checks.find((check) => check.id === id)?.findings ?? []).map(({ verdict, message }) => `${verdict}: ${message}`).join('\n');
  return { code, report, of };
};
const silentPort = async (): Promise<number> => {
  const server = createServer(() => {});
  servers.push(server);
  await new Promise<void>((listening) => void server.listen(0, '127.0.0.1', () => listening()));
  return (server.address() as AddressInfo).port;
};

describe('the doctor', () => {
  it('finds the machine well and the installation not built, and leaves nothing behind', async () => {
    const { code, report, of } = await doctor();
    expect(code).toBe(EXIT.failure);
    expect(of('build')).toContain('fail: Not built');
    expect(of('node')).toContain(`ok: Node ${process.versions.node}`);
    expect(of('encode')).toBe('ok: A trial encode to H.264 and AAC works');
    expect(of('folder.data')).toContain('is not there yet');
    for (const { findings } of report.checks) for (const { verdict, advice } of findings) if (verdict !== 'ok') expect(advice).toBeTruthy();
    expect(await readdir(home.folder)).toEqual([]);
  });
  it('tells every fault of the settings at once, and repeats no secret', async () => {
    await writeFile(join(home.folder, 'reelay.json'), JSON.stringify({ REELAY_LOG_LEVEL: 'loud', REELAY_LIMIT_CPU: -1, REELAY_LOG_LEVLE: 'info', REELAY_ADMIN_PASSWORD: 'short!!' }));
    const { of, report } = await doctor({ PORT: '99999', REELAY_BOGUS: '1', DATABASE_URL: 'mysql://u:hunter2@h/d' });
    const said = of('settings');
    for (const name of ['REELAY_LOG_LEVEL', 'REELAY_LIMIT_CPU', 'REELAY_ADMIN_PASSWORD', 'PORT', 'DATABASE_URL']) expect(said).toContain(`fail: ${name}: `);
    for (const name of ['REELAY_LOG_LEVLE', 'REELAY_BOGUS']) expect(said).toMatch(new RegExp(`warn: .*${name}`));
    expect(said).toContain('others may read it');
    expect(JSON.stringify(report)).not.toMatch(/short!!|hunter2/);
  });
  it('works when half of it is broken', async () => {
    await writeFile(join(home.folder, 'reelay.json'), '{ not json');
    await mkdir(join(home.folder, 'data'));
    await writeFile(join(home.folder, 'data', 'launcher.pid'), '999999999\nstart-ticks 5\n');
    await symlink('/nonexistent', join(home.folder, 'data', 'library'));
    const port = await silentPort();
    const { of } = await doctor({
      FFMPEG_PATH: '/nonexistent/ffmpeg', NATS_URL: `nats://127.0.0.1:${port}`, DATABASE_URL: `postgres://u:hunter2@127.0.0.1:1/d`, REELAY_NATS_CREDS: '/nonexistent.creds', REELAY_URL: `http://127.0.0.1:1`,
    });
    expect(of('settings')).toContain('is not JSON');
    expect(of('ffmpeg')).toContain('fail: FFMPEG_PATH=/nonexistent/ffmpeg');
    expect(of('postgres')).toMatch(/^fail: Postgres at postgres:\/\/\*\*\*@127\.0\.0\.1:1\/d cannot be used/);
    expect(of('nats.server')).toContain('fail: NATS at');
    expect(of('nats.credentials')).toContain('fail: ');
    expect(of('gateway')).toContain('fail: ');
    expect(of('pid-files')).toContain('warn: ');
  });
  it('says who has the port', async () => {
    const port = await silentPort();
    expect((await doctor({ PORT: String(port), HOST: '127.0.0.1' })).of('port')).toContain(`process ${process.pid}`);
  });
  it('packs what support asks for, without secrets', async () => {
    await mkdir(join(home.folder, 'data', 'logs'), { recursive: true });
    await writeFile(join(home.folder, 'data', 'logs', 'reelay.log'), 'Sign in as admin with the password abcdefgh (kept in x)\nconnecting postgres://reelay:hunter2@127.0.0.1/x\n');
    await writeFile(join(home.folder, 'reelay.json'), JSON.stringify({ REELAY_ADMIN_PASSWORD: 'correct horse', DATABASE_URL: 'postgres://u:hunter2@127.0.0.1:1/d' }), { mode: 0o600 });
    const { code, err } = await home.run(['doctor', '--bundle', 'b.tar.gz'], { REELAY_TOKEN: 'a-very-secret-token' });
    expect([code, err]).toEqual([EXIT.failure, expect.stringContaining('b.tar.gz')]);
    await execute('tar', ['-xzf', 'b.tar.gz'], { cwd: home.folder });
    const folder = join(home.folder, 'reelay-doctor');
    expect((await readdir(folder)).toSorted()).toEqual(['doctor.json', 'environment.json', 'reelay.log', 'settings.json']);
    const { stdout } = await execute('sh', ['-c', 'cat reelay-doctor/*'], { cwd: home.folder });
    expect(stdout).toContain('postgres://***@127.0.0.1');
    expect(stdout).not.toMatch(/hunter2|abcdefgh|correct horse|a-very-secret-token/);
    await rm(folder, { recursive: true });
  });
});

const check = (id: string, look: Check['look']): Check => ({ id, group: 'Machine', limitMs: 50, look });

it('a check that hangs or throws holds up nobody', async () => {
  const supervisor = new Supervisor({ logger: createLogger({ service: 'test', level: 'silent' }), env: process.env });
  const patient: Patient = {
    env: {}, place: findPlace({ env: {}, cwd: '/' }, home.folder, undefined), instance: null, gateway: { url: 'http://127.0.0.1:1', source: 'the default' }, supervisor, clock: systemClock,
  };
  let ended = false;
  const examined = await examine([
    check('hangs', (_patient, ctx) => new Promise(() => ctx.onCancel(() => (ended = true)))),
    check('throws', () => { throw new Error('broken'); }),
    check('fine', () => [ok('fine')]),
  ], patient);
  expect(examined.map(({ id, findings }) => [id, findings[0]?.verdict])).toEqual([['hangs', 'warn'], ['throws', 'warn'], ['fine', 'ok']]);
  expect(ended).toBe(true);
});

it('texts lose what looks like a secret', () => {
  const secrets = ['Authorization: Bearer abc.def-ghi', '{"token":"abcdefghi"}', "password=hunter2", 'https://user:pw@host/', 'GET /agent/v1/files/abcdefghijklmnopqrstuvwxyz', 'eyJhbGciOi.eyJzdWIi.c2ln'];
  for (const text of secrets) expect(redacted(text), text).not.toMatch(/abc\.def|abcdefghi|hunter2|user:pw|eyJhbG/);
});
