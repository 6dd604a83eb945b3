import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Sql } from '../db.ts';
import { readQueueView } from '../jobs/queue-view.ts';
import { registerNode } from '../nodes/hello.ts';
import { setAdminState } from '../nodes/admin-state.ts';
import { createTestDatabase, stopTestServer, type TestDatabase, testHello } from '../testing.ts';
import { bookSession, endSession, expireSessions, readSessions, renewSessions } from './session.ts';

let database: TestDatabase;
let sql: Sql;
let incarnation: string;
beforeEach(async () => {
  database = await createTestDatabase();
  sql = database.sql;
  ({ node: { incarnation } } = await registerNode(sql, 'a', testHello({ sessionLimit: 2 })));
});
afterEach(() => database.drop());
afterAll(() => stopTestServer());

const uuid = (n: number): string => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const place = (n: number, over = {}) => ({ id: uuid(n), videoId: uuid(100), version: 't1', gatewayId: 'g', nodeId: 'a', incarnation, deviceId: 'software', vramMb: 600, ...over });
const ids = async () => (await readSessions(sql)).map(({ id }) => id).toSorted();

describe('a session’s place', () => {
  it('is booked up to the node’s limit, once however often it is asked for, by many at once', async () => {
    const asked = [1, 2, 3, 4, 1, 2].map((n) => bookSession(sql, place(n), 10_000));
    const granted = await Promise.all(asked);
    const held = await ids();
    expect(held).toHaveLength(2);
    expect(new Set([1, 2, 3, 4, 1, 2].filter((_, i) => granted[i]).map(uuid))).toEqual(new Set(held));
  });
  it('is not on a node that restarted or is drained', async () => {
    expect(await bookSession(sql, place(1, { incarnation: uuid(9) }), 10_000)).toBe(false);
    await setAdminState(sql, 'a', 'draining', 'me');
    expect(await bookSession(sql, place(1), 10_000)).toBe(false);
  });
  it('takes GPU memory in the view that jobs are placed by, and gives it back', async () => {
    await bookSession(sql, place(1), 10_000);
    const booked = async () => (await readQueueView(sql, 1)).fleet[0];
    expect(await booked()).toMatchObject({ sessions: 1, sessionLimit: 2, devices: [{ bookedMb: 600 }] });
    await endSession(sql, uuid(1));
    expect(await booked()).toMatchObject({ sessions: 0, devices: [{ bookedMb: 0 }] });
  });
  it('lives while its node names it, and no longer', async () => {
    for (const n of [1, 2]) await bookSession(sql, place(n), 10_000);
    expect(await renewSessions(sql, { nodeId: 'a', incarnation, sessions: [uuid(1), uuid(7)] }, 10_000)).toEqual({ unknown: [uuid(7)] });
    expect(await ids()).toHaveLength(2);
    await sql`update sessions set started_at = now() - interval '16 seconds'`;
    await renewSessions(sql, { nodeId: 'a', incarnation, sessions: [uuid(1)] }, 10_000);
    expect(await ids()).toEqual([uuid(1)]);
    await renewSessions(sql, { nodeId: 'a', incarnation: uuid(8), sessions: [] }, 10_000);
    expect(await ids()).toEqual([]);
  });
  it('ends with its lease', async () => {
    await bookSession(sql, place(1), 0);
    await bookSession(sql, place(2), 10_000);
    expect(await expireSessions(sql)).toBe(1);
    expect(await ids()).toEqual([uuid(2)]);
  });
});
