import { inTransaction, type Queryable, type Sql, type Tx } from '../db.ts';
import type { NodeRow } from '../nodes/row.ts';

/** A row of `sessions`. */
export interface SessionRow {
  id: string;
  videoId: string;
  version: string;
  gatewayId: string;
  nodeId: string;
  incarnation: string;
  deviceId: string;
  vramMb: number;
  startedAt: Date;
  leaseUntil: Date;
}

export type SessionPlace = Pick<SessionRow, 'id' | 'videoId' | 'version' | 'gatewayId' | 'nodeId' | 'incarnation' | 'deviceId' | 'vramMb'>;

/** A node that was told of a session a moment ago may not have named it yet. */
const UNNAMED_SECONDS = 15;

/** `taken`: not on this node (another session was first, it restarted or is being drained); `limit`: on no node. */
export type Booking = 'booked' | 'taken' | 'limit';

export interface BookingTerms {
  leaseMs: number;
  /** How many sessions all nodes together may have; undefined when only the nodes' own limits count. */
  fleetLimit: number | undefined;
}

/**
 * Books a place when the node still has one and the fleet may have one more. The same session twice is one. Serialised per
 * node by its row, and for the fleet by a lock that is taken first.
 */
export const bookSession = (sql: Sql, place: SessionPlace, { leaseMs, fleetLimit }: BookingTerms): Promise<Booking> =>
  inTransaction(sql, async (tx) => {
    if (fleetLimit !== undefined && (await countInFleet(tx, place.id)) >= fleetLimit) return 'limit';
    const [node] = await tx<(Pick<NodeRow, 'incarnation' | 'adminState' | 'health'> & { sessionLimit: number })[]>`
      select incarnation, admin_state, health, session_limit from nodes where id = ${place.nodeId} for no key update`;
    if (!node || node.incarnation !== place.incarnation || node.adminState !== 'active' || node.health !== 'healthy') return 'taken';
    const [used] = await tx<{ sessions: number }[]>`
      select count(*)::int as sessions from sessions where node_id = ${place.nodeId} and id <> ${place.id} and lease_until > now()`;
    if ((used?.sessions ?? 0) >= node.sessionLimit) return 'taken';
    await tx`
      insert into sessions (id, video_id, version, gateway_id, node_id, incarnation, device_id, vram_mb, lease_until)
      values (${place.id}, ${place.videoId}, ${place.version}, ${place.gatewayId}, ${place.nodeId}, ${place.incarnation}, ${place.deviceId}, ${place.vramMb},
        now() + ${leaseMs} * interval '1 millisecond')
      on conflict (id) do update set node_id = excluded.node_id, incarnation = excluded.incarnation, device_id = excluded.device_id, lease_until = excluded.lease_until`;
    return 'booked';
  });

/** Sessions beside this one, counted by one transaction at a time. */
const countInFleet = async (tx: Tx, besideId: string): Promise<number> => {
  await tx`select pg_advisory_xact_lock(hashtextextended('sessions of all nodes', 0))`;
  const [used] = await tx<{ sessions: number }[]>`select count(*)::int as sessions from sessions where id <> ${besideId} and lease_until > now()`;
  return used?.sessions ?? 0;
};

/** Gives a place back. */
export const endSession = async (sql: Queryable, id: string): Promise<void> => {
  await sql`delete from sessions where id = ${id}`;
};

/**
 * What a heartbeat does to the sessions of a node: those it names live on, those it does not name any more are over, and
 * named ones that the hub does not know are answered, for the node to end them.
 */
export const renewSessions = async (sql: Queryable, claim: { nodeId: string; incarnation: string; sessions: readonly string[] }, leaseMs: number): Promise<{ unknown: string[] }> => {
  const { nodeId, incarnation } = claim;
  const named = [...new Set(claim.sessions)];
  const renewed = named.length === 0 ? [] : await sql<{ id: string }[]>`
    update sessions set lease_until = now() + ${leaseMs} * interval '1 millisecond'
    where id = any(${named}::uuid[]) and node_id = ${nodeId} and incarnation = ${incarnation} returning id`;
  await sql`
    delete from sessions where node_id = ${nodeId} and (incarnation <> ${incarnation}
      or (id <> all(${named}::uuid[]) and started_at < now() - ${UNNAMED_SECONDS} * interval '1 second'))`;
  const known = new Set(renewed.map(({ id }) => id));
  return { unknown: named.filter((id) => !known.has(id)) };
};

/** Removes places whose lease is over. Answers how many. */
export const expireSessions = async (sql: Queryable): Promise<number> => {
  const gone = await sql`delete from sessions where lease_until <= now() returning id`;
  return gone.length;
};

/** Every place that is held, newest first. */
export const readSessions = async (sql: Queryable): Promise<SessionRow[]> => [...(await sql<SessionRow[]>`
  select * from sessions where lease_until > now() order by started_at desc, id limit 1000`)];

/** GPU memory booked for sessions, by node and device. */
export const readSessionMemory = async (sql: Queryable | Tx): Promise<{ nodeId: string; deviceId: string; sessions: number; vramMb: number }[]> => [...(await sql<{ nodeId: string; deviceId: string; sessions: number; vramMb: number }[]>`
  select node_id, device_id, count(*)::int as sessions, sum(vram_mb)::int as vram_mb from sessions where lease_until > now() group by 1, 2`)];
