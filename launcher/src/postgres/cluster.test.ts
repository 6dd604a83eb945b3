/** The embedded Postgres for real: a first start, a crash, an orphan, a second start. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, Ctx, freePort, Shutdown } from '@reelay/runtime';
import { type Proc, Supervisor } from '@reelay/runtime/supervisor';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster } from './cluster.ts';
import { findPostgresHome, type PostgresHome } from './home.ts';

const ctx = Ctx.root('test');
const supervisor = new Supervisor({ logger: createLogger({ service: 'test', level: 'silent' }), env: process.env });
const dataDir = mkdtempSync(join(tmpdir(), 'reelay-cluster-'));
let home: PostgresHome;
let cluster: Cluster;
let proc: Proc;

const start = async (): Promise<void> => {
  cluster = new Cluster({ home, supervisor, password: 'p@ss/word', port: await freePort() });
  await cluster.prepare(ctx);
  proc = supervisor.spawn(ctx, cluster.command(() => {}));
  await cluster.untilReady(() => !proc.alive);
  await cluster.ensureDatabase();
};
const query = async <T>(work: (sql: postgres.Sql) => Promise<T>, url = cluster.url): Promise<T> => {
  const sql = postgres(url, { max: 1 });
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
};
const stopFast = async (): Promise<void> => {
  proc.signal('SIGINT');
  await proc.exit;
};

beforeAll(async () => {
  chmodSync(dataDir, 0o755);
  home = await findPostgresHome(dataDir, () => {});
  await start();
});
afterAll(async () => {
  await stopFast();
  await supervisor.terminateAll(new Shutdown('the test ends'), 1_000);
  rmSync(dataDir, { recursive: true, force: true });
});

describe('the embedded Postgres', () => {
  it('is UTF-8, keeps what it commits, and wants the password', async () => {
    const [row] = await query((sql) => sql`select current_setting('server_encoding') as encoding, current_setting('fsync') as fsync, lower('Ä') as low`);
    expect(row).toEqual({ encoding: 'UTF8', fsync: 'on', low: 'ä' });
    await expect(query((sql) => sql`select 1`, cluster.url.replace('p%40ss', 'wrong'))).rejects.toMatchObject({ code: '28P01' });
  });
  it('listens on loopback alone, as an ordinary user', () => {
    expect(readFileSync(`/proc/${proc.pid}/cmdline`, 'utf8')).toContain('listen_addresses=127.0.0.1');
    expect(statSync(`/proc/${proc.pid}`).uid).not.toBe(0);
  });
  it('keeps its data over an orderly stop and over a kill', async () => {
    await query((sql) => sql`create table kept (n int)`);
    await query((sql) => sql`insert into kept values (1)`);
    await stopFast();
    await start();
    await query((sql) => sql`insert into kept values (2)`);
    process.kill(proc.pid, 'SIGKILL');
    await proc.exit;
    await start();
    expect(await query((sql) => sql`select sum(n)::int as sum from kept`)).toEqual([{ sum: 3 }]);
  });
  it('ends a server that a killed launcher left on the folder', async () => {
    const orphan = proc;
    await start();
    expect(orphan.alive).toBe(false);
    expect(await query((sql) => sql`select count(*)::int as count from kept`)).toEqual([{ count: 2 }]);
  });
});

describe('where it lives', () => {
  it('is remembered, and lies in the data folder when that may be entered', async () => {
    expect(home.base).toBe(join(dataDir, 'postgres'));
    expect((await findPostgresHome(dataDir, () => {})).base).toBe(home.base);
  });
  it.runIf(process.getuid?.() === 0)('is elsewhere when only root may enter the data folder', async () => {
    const closed = mkdtempSync(join(tmpdir(), 'reelay-closed-'));
    const said: string[] = [];
    const found = await findPostgresHome(closed, (line) => said.push(line));
    try {
      expect(found.base).toMatch(/^\/var\/(lib|tmp)\/reelay-/);
      expect(said.join('\n')).toContain(found.base);
    } finally {
      rmSync(found.base, { recursive: true, force: true });
      rmSync(closed, { recursive: true, force: true });
    }
  });
});
