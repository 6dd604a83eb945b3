/** The processes of the nodes: looked at, and ended by hand. The gateway has none of its own: it never starts a program. */
import { allProcessesSchema, endProcessRequest, endProcessResponse, type EndProcess, type KillProcessReply, nodeProcessesSchema, processIdSchema } from '@reelay/contracts';
import { createRoute } from '@hono/zod-openapi';
import { errorCode } from '@reelay/runtime';
import { appendAudit, type AuditEvent, inTransaction, readJob, readNodes, type Sql } from '@reelay/store';
import { z } from 'zod';
import { requireRole, userOf } from '../auth/sign-in.ts';
import type { GatewayDeps } from '../deps.ts';
import type { App } from '../http/env.ts';
import { HttpProblem } from '../http/problem.ts';
import { emptyBodyAsObject, json, noQuery, optionalJsonBody, problems } from '../http/route.ts';
import { killProcess, readAllProcesses, readProcesses } from '../processes/ask-node.ts';
import { nodeOr404 } from './nodes.ts';

const tags = ['Processes'];
const nodeParam = z.object({ id: z.string().meta({ description: 'Node id' }) });
const processParam = nodeParam.extend({ processId: z.string().meta({ description: 'Id from the list: process id and start time' }) });

export const processRoutes = (app: App, deps: GatewayDeps): void => {
  listRoutes(app, deps);
  endRoute(app, deps);
};

const listRoutes = (app: App, deps: GatewayDeps): void => {
  const middleware = requireRole(deps.sql, 'SUPER_ADMIN');

  app.openapi(createRoute({
    method: 'get', path: '/api/media/processes', tags, summary: 'The processes of all nodes', middleware, request: { query: noQuery },
    description: 'All nodes are asked at once, each with 2 s; those that do not answer are in `unreachable`. A gateway starts no process, so it has none to list.',
    responses: { 200: json(allProcessesSchema, 'What runs, and who did not answer'), ...problems },
  }), async (c) => {
    const nodes = await readNodes(deps.sql);
    return c.json(await readAllProcesses(deps, nodes.map(({ id }) => id)), 200);
  });

  app.openapi(createRoute({
    method: 'get', path: '/api/media/nodes/{id}/processes', tags, summary: 'The processes of a node', middleware, request: { params: nodeParam, query: noQuery },
    description: 'Each process that the agent started, with all it started itself: whom it works for, its file, CPU and memory. As it is now, asked of the node. 503 `node_unreachable` when it does not answer.',
    responses: { 200: json(nodeProcessesSchema, 'What runs'), ...problems },
  }), async (c) => {
    const { id } = await nodeOr404(deps, c.req.valid('param').id);
    return c.json(await readProcesses(deps, id), 200);
  });
};

const endRoute = (app: App, deps: GatewayDeps): void => {
  app.openapi(createRoute({
    method: 'delete', path: '/api/media/nodes/{id}/processes/{processId}', tags, summary: 'End a process by hand',
    middleware: [requireRole(deps.sql, 'SUPER_ADMIN'), emptyBodyAsObject],
    description: 'SIGTERM to the process and all it started, SIGKILL after the grace. A job fails with the code `killed_by_hand` and is not retried by itself. Waited for up to 2 s: 200 says how it ended, 202 that it is still ending. 404 `process_gone` when there is no such process any more.',
    request: { params: processParam, query: noQuery, body: optionalJsonBody(endProcessRequest) },
    responses: { 200: json(endProcessResponse, 'Ended; `how` says in which way'), 202: json(endProcessResponse, 'Still ending'), ...problems },
  }), async (c) => {
    const { id, processId } = c.req.valid('param');
    const { id: nodeId } = await nodeOr404(deps, id);
    const gone = new HttpProblem('process_gone', `Node ${nodeId} has no process ${processId.slice(0, 64)}, or not any more`);
    if (!processIdSchema.safeParse(processId).success) throw gone;
    const by = (await userOf(c)).username;
    const reason = c.req.valid('json').reason ?? null;
    const reply = await killProcess(deps, nodeId, { processId, by, reason }).catch(async (error: unknown) => {
      // It may have heard and done it.
      if (error instanceof HttpProblem && errorCode(error.cause) === 'request_timeout') await note(deps, { topic: 'nodes', entityId: nodeId }, `process ${processId}, without an answer`, by, reason);
      throw error;
    });
    if (reply.result === 'gone') throw gone;
    const { job, name, pid } = reply;
    const about: About = job === null ? { topic: 'nodes', entityId: nodeId } : { topic: 'jobs', entityId: job.jobId, epoch: job.epoch };
    await note(deps, about, `${name ?? 'process'} ${pid ?? '?'} on node ${nodeId}`, by, reason);
    const body = await answer(deps.sql, nodeId, processId, { ...reply, result: reply.result });
    return reply.result === 'ended' ? c.json(body, 200) : c.json(body, 202);
  });
};

type About = Pick<AuditEvent, 'topic' | 'entityId' | 'epoch'>;

/** After the node's answer, which says what it was. The job's own end tells the name too, should this gateway end in between. */
const note = async (deps: GatewayDeps, about: About, what: string, actor: string, reason: string | null): Promise<void> => {
  await inTransaction(deps.sql, (tx) => appendAudit(tx, { ...about, event: 'processEnded', actor, detail: reason === null ? what : `${what}: ${reason}` }));
  deps.hints.outbox();
};

const answer = async (sql: Sql, nodeId: string, processId: string, reply: KillProcessReply & { result: 'ended' | 'ending' }): Promise<EndProcess> => {
  const { result, pid, name, how, tookMs, forced } = reply;
  const row = reply.job === null ? null : await readJob(sql, reply.job.jobId);
  const job = row === null || reply.job === null ? null : { id: row.id, epoch: reply.job.epoch, status: row.status };
  return { processId, nodeId, result, pid, name, how, tookMs, forced, job };
};
