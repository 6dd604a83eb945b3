import type { Queryable } from '../db.ts';
import { jsonb } from '../json.ts';

/** A value that all processes of one installation share. */
export const readSetting = async (sql: Queryable, name: string): Promise<unknown> => {
  const [row] = await sql<{ value: unknown }[]>`select value from settings where name = ${name}`;
  return row?.value;
};

export const writeSetting = async (sql: Queryable, name: string, value: unknown): Promise<void> => {
  await sql`insert into settings (name, value) values (${name}, ${jsonb(sql, value)}) on conflict (name) do update set value = excluded.value`;
};
