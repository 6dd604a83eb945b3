import { type AllProcesses, killProcessReplySchema, type KillProcess, type KillProcessReply, type NodeProcesses, type Process, type ProcessInfo, processesReplySchema, PROTOCOL_VERSION, subjects } from '@reelay/contracts';
import { errorCode, toError } from '@reelay/runtime';
import type { Bus } from '@reelay/runtime/bus';
import { readJobViews, type Sql } from '@reelay/store';
import { HttpProblem } from '../http/problem.ts';

const LIST_MS = 2_000;
/** The node waits up to 2 s for the end before it answers. */
const KILL_MS = 4_000;

interface Deps {
  readonly bus: Bus;
  readonly sql: Sql;
}

/** What a node has running, with the titles of what it works on. @throws HttpProblem node_unreachable */
export const readProcesses = async ({ bus, sql }: Deps, nodeId: string): Promise<NodeProcesses> => {
  try {
    const { processes, leftOff } = await bus.request(subjects.agent(nodeId, 'processes'), { v: PROTOCOL_VERSION }, { timeoutMs: LIST_MS, schema: processesReplySchema });
    return { nodeId, leftOff, data: await withTitles(sql, nodeId, processes) };
  } catch (error) {
    throw unreachable(nodeId, error);
  }
};

/** All nodes at once, each with the same deadline. One that does not answer is named, and no error for the rest. */
export const readAllProcesses = async (deps: Deps, nodeIds: readonly string[]): Promise<AllProcesses> => {
  const answers = await Promise.all(nodeIds.map((nodeId) => readProcesses(deps, nodeId).catch((error: unknown) => {
    if (error instanceof HttpProblem && error.code === 'node_unreachable') return { nodeId, code: errorCode(error.cause) ?? 'unknown', detail: error.message };
    throw error;
  })));
  return {
    data: answers.flatMap((answer) => ('data' in answer ? answer.data : [])),
    leftOff: answers.reduce((sum, answer) => sum + ('data' in answer ? answer.leftOff : 0), 0),
    unreachable: answers.flatMap((answer) => ('data' in answer ? [] : [answer])),
  };
};

/** Has a node end one of its processes. @throws HttpProblem node_unreachable */
export const killProcess = async ({ bus }: Deps, nodeId: string, order: Omit<KillProcess, 'v'>): Promise<KillProcessReply> => {
  try {
    return await bus.request(subjects.agent(nodeId, 'kill'), { v: PROTOCOL_VERSION, ...order }, { timeoutMs: KILL_MS, schema: killProcessReplySchema });
  } catch (error) {
    throw unreachable(nodeId, error);
  }
};

const withTitles = async (sql: Sql, nodeId: string, processes: readonly ProcessInfo[]): Promise<Process[]> => {
  const views = await readJobViews(sql, [...new Set(processes.flatMap(({ job }) => job?.jobId ?? []))]);
  const titles = new Map(views.map(({ id, videoTitle }) => [id, videoTitle ?? null]));
  const titled: Process[] = [];
  for (const process of processes) titled.push({ ...process, nodeId, videoTitle: titles.get(process.job?.jobId ?? '') ?? null });
  return titled;
};

const WHY: Readonly<Record<string, string>> = {
  no_responders: 'its agent is not connected',
  request_timeout: 'its agent did not answer in time',
  bus_disconnected: 'this gateway has lost its connection to NATS',
  bus_closed: 'this gateway is stopping',
  bad_message: 'its agent answers in a way that this gateway does not understand; is it of another version?',
};

const unreachable = (nodeId: string, thrown: unknown): unknown => {
  const code = errorCode(thrown) ?? '';
  const why = code === 'remote_error' ? `its agent could not do it (${toError(thrown).message})` : WHY[code];
  // The database, say: not the node's fault.
  if (why === undefined) return thrown;
  return new HttpProblem('node_unreachable', `Node ${nodeId} cannot be asked: ${why}`, { cause: thrown, headers: { 'retry-after': '2' } });
};
