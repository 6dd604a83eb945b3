import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatArray, parseArray } from './pg-array.ts';
import { createTestDatabase, stopTestServer, type TestDatabase } from './testing.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await database.drop();
  await stopTestServer();
});

const odd = ['', ' ', 'a,b', '"quoted"', 'back\\slash', '{brace}', 'NULL', 'null', "it's", 'line\nbreak', 'ÆØ 電影 🎬', '\\"', ','];

describe('arrays', () => {
  it('come back from Postgres as they went there', async () => {
    const [row] = await database.sql<{ back: string[]; none: string[]; n: number; numbers: number[]; ids: string[] }[]>`
      select ${odd}::text[] as back, ${[]}::text[] as none, cardinality(${odd}::text[]) as n, ${[1, -2, 3]}::int[] as numbers,
        array['00000000-0000-7000-8000-000000000000'::uuid] as ids`;
    expect(row).toEqual({ back: odd, none: [], n: odd.length, numbers: [1, -2, 3], ids: ['00000000-0000-7000-8000-000000000000'] });
  });

  it('match with any()', async () => {
    expect(await database.sql`select 'a,b' = any(${odd}) as text, 2 = any(${[1, 2]}::bigint[]) as number`).toEqual([{ text: true, number: true }]);
  });

  it('may hold nothing', () => {
    expect(parseArray(formatArray(['NULL', null]))).toEqual(['NULL', null]);
  });
});
