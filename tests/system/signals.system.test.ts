/** A signal in every phase of the built services: while they wait, migrate, open, serve; at any moment at all. */
import { cpSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { openDatabase, type Sql } from '@reelay/store';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { freePort } from '@reelay/runtime';
import { type Infrastructure, startInfrastructure } from '../kit/infrastructure.ts';
import { processesOf } from '../kit/processes.ts';
import { type Ended, Program } from '../kit/program.ts';
import { Randomness } from '../kit/random.ts';

const MIGRATIONS = resolve(import.meta.dirname, '../../store/migrations');
const ROUNDS = Number(process.env['REELAY_SIGNAL_ROUNDS'] ?? 12);

let infrastructure: Infrastructure;
let sql: Sql;
beforeAll(async () => {
  infrastructure = await startInfrastructure();
  sql = openDatabase({ url: infrastructure.cluster.url, applicationName: 'test', maxConnections: 1 });
});
afterAll(async () => {
  await sql.end({ timeout: 1 });
  await infrastructure.stop();
});

const start = (name: Program['name'], env: Record<string, string> = {}): { program: Program; dir: string } => {
  const dir = mkdtempSync(join(infrastructure.folder, `${name}-`));
  const base = name === 'node-agent' ? { ...infrastructure.agent, REELAY_WORK_DIR: dir } : { ...infrastructure.hub, REELAY_DATA_DIR: dir };
  return { program: new Program(name, { ...base, REELAY_STARTUP_WAIT_SECONDS: '600', ...env }), dir };
};
const expectTidy = ({ code, stderr }: Ended, dir: string): void => {
  expect([code, stderr]).toEqual([0, '']);
  expect(readdirSync(dir).filter((entry) => /\.(pid|lock|part)$/.test(entry))).toEqual([]);
};
const nowhere = async (scheme: string): Promise<string> => `${scheme}://127.0.0.1:${await freePort()}${scheme === 'nats' ? '' : '/x'}`;

describe('SIGTERM', () => {
  it.each(['gateway', 'scheduler'] as const)('%s, while it waits for Postgres', async (name) => {
    const { program, dir } = start(name, { DATABASE_URL: await nowhere('postgres') });
    await vi.waitFor(() => expect(readdirSync(dir)).toContain(`${name}.pid`), { timeout: 30_000 });
    expectTidy(await program.end(), dir);
  });

  it.each(['gateway', 'node-agent'] as const)('%s, while it waits for NATS', async (name) => {
    const { program, dir } = start(name, { NATS_URL: await nowhere('nats') });
    await program.logged('NATS cannot be reached, trying on');
    expectTidy(await program.end(), dir);
    expect(processesOf(dir)).toEqual([]);
  });

  it('gateway, in the middle of a migration: nothing of it stays, and the next start applies it', async () => {
    const folder = join(infrastructure.folder, 'migrations');
    cpSync(MIGRATIONS, folder, { recursive: true });
    writeFileSync(join(folder, '998_slow.sql'), 'create table half_done (); select pg_sleep(5);');
    const { program, dir } = start('gateway', { REELAY_MIGRATIONS_DIR: folder });
    await vi.waitFor(async () => {
      const [row] = await sql<{ n: number }[]>`select count(*)::int as n from pg_stat_activity where query like '%pg_sleep(5)%' and pid <> pg_backend_pid()`;
      expect(row?.n).toBe(1);
    }, { timeout: 30_000, interval: 20 });
    expectTidy(await program.end(), dir);
    expect((await sql<{ there: boolean }[]>`select to_regclass('half_done') is not null as there`)[0]?.there).toBe(false);
    const again = start('gateway', { REELAY_MIGRATIONS_DIR: folder });
    await again.program.message(({ ready }) => ready === true);
    expectTidy(await again.program.end(), again.dir);
    await sql`drop table half_done`;
    await sql`delete from schema_migrations where name = '998_slow.sql'`;
  });

  it(`at any moment of start and run, ${ROUNDS} times each`, async () => {
    const random = new Randomness(20_260_101);
    const gateway = start('gateway');
    await gateway.program.message(({ ready }) => ready === true);
    const scheduler = start('scheduler');
    await scheduler.program.message(({ ready }) => ready === true);
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const name of ['gateway', 'scheduler', 'node-agent'] as const) {
        const { program, dir } = start(name);
        await new Promise((resolve) => setTimeout(resolve, random.between(0, 2_000)));
        const ended = await program.end();
        // Before the first line of ours the signal ends it by itself.
        if (ended.signal !== 'SIGTERM') expectTidy(ended, dir);
        expect(processesOf(dir), name).toEqual([]);
        expect(readdirSync(dir).filter((entry) => /\.(pid|lock|part)$/.test(entry)), name).toEqual([]);
      }
    }
    expectTidy(await scheduler.program.end('SIGINT'), scheduler.dir);
    expectTidy(await gateway.program.end('SIGINT'), gateway.dir);
  });
});
