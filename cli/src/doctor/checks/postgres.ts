import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, redactUrl } from '@reelay/runtime';
import postgres from 'postgres';
import { duration } from '../../output/words.ts';
import { type Check, fail, type Finding, ok, type Patient, warn } from '../check.ts';

const LIMIT_MS = 10_000;
const CONNECT_SECONDS = 5;
const TRIED_MAJOR = 18;
const SKEW_SECONDS = 2;
const LOW_CONNECTIONS = 10;

interface Facts {
  version: string;
  versionNumber: number;
  now: Date;
  used: number;
  most: number;
  readOnly: boolean;
  size: string;
}

/** The URL of the database that the services use; null when nothing runs and none was named. */
const databaseUrl = async ({ place, instance }: Patient): Promise<string | null> => {
  if (place.databaseUrl !== undefined) return place.databaseUrl;
  const shown = instance?.facts?.databaseUrl;
  if (!shown) return null;
  const password = (await readFile(join(place.dataDir, 'postgres.password'), 'utf8')).trim();
  return shown.replace('***@', `reelay:${encodeURIComponent(password)}@`);
};

const skew = (facts: Facts, here: Date, tookSeconds: number): Finding => {
  const seconds = Math.abs(here.getTime() - facts.now.getTime()) / 1000;
  const text = `The clocks of this machine and of Postgres differ by ${duration(seconds)}`;
  return seconds > SKEW_SECONDS + tookSeconds ? warn(text, 'switch on time synchronisation (chrony, systemd-timesyncd) on both', { seconds }) : ok(text, { seconds });
};

const look = async (patient: Patient): Promise<Finding[]> => {
  const url = await databaseUrl(patient).catch((error: unknown) => error);
  if (url === null) return [ok('Postgres: the embedded one; it runs with the system')];
  if (typeof url !== 'string') return [warn(`Postgres: its password cannot be read (${errorCode(url) ?? 'unknown error'})`, 'run this as the user that runs Reelay')];
  const sql = postgres(url, { max: 1, connect_timeout: CONNECT_SECONDS, onnotice: () => {}, connection: { application_name: 'reelay doctor' } });
  try {
    const startedMs = patient.clock.monotonicMs();
    const [facts] = await sql<Facts[]>`
      select current_setting('server_version') as version, current_setting('server_version_num')::int as "versionNumber", clock_timestamp() as now,
        (select count(*)::int from pg_stat_activity) as used, current_setting('max_connections')::int as most,
        pg_is_in_recovery() as "readOnly", pg_size_pretty(pg_database_size(current_database())) as size`;
    const here = patient.clock.now();
    if (facts === undefined) return [fail('Postgres gave no answer', 'see its log')];
    const tookSeconds = (patient.clock.monotonicMs() - startedMs) / 1000;
    const major = Math.floor(facts.versionNumber / 10_000);
    const text = `Postgres ${facts.version} at ${redactUrl(url)}, ${facts.size}`;
    const findings = [major < TRIED_MAJOR ? warn(text, `Reelay is tried with Postgres ${TRIED_MAJOR}`) : ok(text, { version: facts.version })];
    if (facts.readOnly) findings.push(fail('Postgres is a standby: nothing can be written', 'name the primary in DATABASE_URL'));
    const connections = `${facts.used} of ${facts.most} connections of Postgres are in use`;
    findings.push(facts.most - facts.used < LOW_CONNECTIONS ? warn(connections, 'raise max_connections, or end other programs') : ok(connections));
    return [...findings, skew(facts, here, tookSeconds)];
  } catch (error) {
    return [fail(`Postgres at ${redactUrl(url)} cannot be used (${error instanceof Error && error.message !== '' ? error.message : (errorCode(error) ?? 'unknown error')})`, 'start it, and look at address, user and password of DATABASE_URL')];
  } finally {
    await sql.end({ timeout: 0 });
  }
};

export const postgresChecks: Check[] = [{ id: 'postgres', group: 'Services', limitMs: LIMIT_MS, look }];
