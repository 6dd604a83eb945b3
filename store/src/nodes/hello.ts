import type { Hello } from '@reelay/contracts';
import { appendAudit } from '../audit/append.ts';
import { inTransaction, type Sql, type Tx } from '../db.ts';
import { jsonb } from '../json.ts';
import type { NodeRow } from './row.ts';

/** How many earlier starts of an agent are remembered. */
const REMEMBERED = 50;

export interface Registered {
  node: NodeRow;
  /** An earlier start of an agent that was followed by a newer one: not registered again. */
  superseded: boolean;
  /** First hello of this start of the agent. */
  fresh: boolean;
}

/** Registers a start of an agent, or refreshes what it said before. The newest start wins the node's id. */
export const registerNode = (sql: Sql, nodeId: string, hello: Hello): Promise<Registered> =>
  inTransaction(sql, async (tx): Promise<Registered> => {
    // Serialises the first hellos of two agents with one id, before there is a row to lock.
    await tx`select pg_advisory_xact_lock(hashtextextended(${`node:${nodeId}`}, 0))`;
    const [before] = await tx<(NodeRow & { pastIncarnations: string[] })[]>`select * from nodes where id = ${nodeId} for no key update`;
    if (before?.pastIncarnations.includes(hello.incarnation)) return { node: before, superseded: true, fresh: false };
    const fresh = before?.incarnation !== hello.incarnation;
    const past = before && fresh ? [before.incarnation, ...before.pastIncarnations].slice(0, REMEMBERED) : (before?.pastIncarnations ?? []);
    const [node] = await tx<NodeRow[]>`
      insert into nodes as n (id, name, incarnation, past_incarnations, version, encoder, encoder_trials, ffmpeg_version, limits, labels, library_id, load, session_limit)
      values (${nodeId}, ${hello.name}, ${hello.incarnation}, ${past}::uuid[], ${hello.version}, ${hello.encoder}, ${jsonb(tx, hello.encoderTrials)},
        ${hello.ffmpegVersion}, ${jsonb(tx, hello.limits)}, ${jsonb(tx, hello.labels)}, ${hello.libraryId}, ${jsonb(tx, hello.load)}, ${hello.sessionLimit ?? 0})
      on conflict (id) do update set name = excluded.name, incarnation = excluded.incarnation, past_incarnations = excluded.past_incarnations,
        version = excluded.version, encoder = excluded.encoder, encoder_trials = excluded.encoder_trials, ffmpeg_version = excluded.ffmpeg_version,
        limits = excluded.limits, labels = excluded.labels, library_id = excluded.library_id, load = excluded.load, session_limit = excluded.session_limit,
        health = 'healthy', last_seen_at = now(), rev = n.rev + 1
      returning *`;
    if (!node) throw new Error('the node was not written');
    await saveDevices(tx, nodeId, hello.devices);
    // A device that is gone stays while something is booked on it.
    await tx`delete from devices where node_id = ${nodeId} and booked_mb = 0 and id <> all(${hello.devices.map(({ id }) => id)})`;
    await appendAudit(tx, {
      topic: 'nodes', entityId: nodeId, event: fresh ? 'registered' : 'updated', actor: `node:${nodeId}`,
      fromStatus: before?.health ?? null, toStatus: 'healthy', detail: fresh ? `incarnation ${hello.incarnation}` : null,
    });
    return { node, superseded: false, fresh };
  });

/** Writes what a node says of its devices. Call it with the node's row locked. */
export const saveDevices = async (tx: Tx, nodeId: string, devices: Hello['devices']): Promise<void> => {
  await tx`
    insert into devices as d (node_id, id, device_index, kind, name, total_mb, free_mb, utilization, temperature_c)
    select ${nodeId}, id, index, kind, name, "totalMb", "freeMb", utilization, "temperatureC"
    from jsonb_to_recordset(${jsonb(tx, devices)}::jsonb) as r(
      id text, index integer, kind text, name text, "totalMb" integer, "freeMb" integer, utilization double precision, "temperatureC" double precision)
    order by id
    on conflict (node_id, id) do update set device_index = excluded.device_index, kind = excluded.kind, name = excluded.name,
      total_mb = excluded.total_mb, free_mb = excluded.free_mb, utilization = excluded.utilization, temperature_c = excluded.temperature_c, reported_at = now()`;
};
