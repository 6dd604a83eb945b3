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
const TERMS = { leaseMs: 10_000, fleetLimit: undefined };
const book = (n: number, over = {}) => bookSession(sql, place(n, over), TERMS);
const ids = async () => (await readSessions(sql)).map(({ id }) => id).toSorted();

describe('a session’s place', () => {
  it('is booked up to the node’s limit, once however often it is asked for, by many at once', async () => {
    const asked = [1, 2, 3, 4, 1, 2].map((n) => book(n));
    const granted = await Promise.all(asked);
    const held = await ids();
    expect(held).toHaveLength(2);
    expect(new Set([1, 2, 3, 4, 1, 2].filter((_, i) => granted[i] === 'booked').map(uuid))).toEqual(new Set(held));
  });
  it('is booked up to the limit of the fleet, on whichever nodes, by many at once; a session that moves counts once', async () => {
    const [atB = {}, atC = {}] = await Promise.all(['b', 'c'].map(async (nodeId) => ({ nodeId, incarnation: (await registerNode(sql, nodeId, testHello({ sessionLimit: 4 }))).node.incarnation })));
    const terms = { ...TERMS, fleetLimit: 3 };
    const granted = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => bookSession(sql, place(n, n % 2 === 0 ? atB : atC), terms)));
    expect(granted.filter((booking) => booking === 'booked')).toHaveLength(3);
    const held = await ids();
    expect(held).toHaveLength(3);
    const [moving] = await readSessions(sql);
    expect(await bookSession(sql, { ...place(1, moving?.nodeId === 'b' ? atC : atB), id: moving?.id ?? '' }, terms)).toBe('booked');
    expect(await bookSession(sql, place(7, atB), terms)).toBe('limit');
    await endSession(sql, held[0] ?? '');
    expect(await bookSession(sql, place(7, atB), terms)).toBe('booked');
  });
  it('is not on a node that restarted or is drained', async () => {
    expect(await book(1, { incarnation: uuid(9) })).toBe('taken');
    await setAdminState(sql, 'a', 'draining', 'me');
    expect(await book(1)).toBe('taken');
  });
  it('takes GPU memory in the view that jobs are placed by, and gives it back', async () => {
    await book(1);
    const booked = async () => (await readQueueView(sql, 1)).fleet[0];
    expect(await booked()).toMatchObject({ sessions: 1, sessionLimit: 2, devices: [{ bookedMb: 600 }] });
    await endSession(sql, uuid(1));
    expect(await booked()).toMatchObject({ sessions: 0, devices: [{ bookedMb: 0 }] });
  });
  it('lives while its node names it, and no longer', async () => {
    for (const n of [1, 2]) await book(n);
    expect(await renewSessions(sql, { nodeId: 'a', incarnation, sessions: [uuid(1), uuid(7)] }, 10_000)).toEqual({ unknown: [uuid(7)] });
    expect(await ids()).toHaveLength(2);
    await sql`update sessions set started_at = now() - interval '16 seconds'`;
    await renewSessions(sql, { nodeId: 'a', incarnation, sessions: [uuid(1)] }, 10_000);
    expect(await ids()).toEqual([uuid(1)]);
    await renewSessions(sql, { nodeId: 'a', incarnation: uuid(8), sessions: [] }, 10_000);
    expect(await ids()).toEqual([]);
  });
  it('ends with its lease', async () => {
    await bookSession(sql, place(1), { ...TERMS, leaseMs: 0 });
    await book(2);
    expect(await expireSessions(sql)).toBe(1);
    expect(await ids()).toEqual([uuid(2)]);
  });
});
