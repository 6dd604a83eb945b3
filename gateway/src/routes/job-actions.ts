import { cancelResponse, isFinal, pauseJobRequest, retryResponse, stateResponse } from '@reelay/contracts';
import { createRoute } from '@hono/zod-openapi';
import { type JobRow, pauseJob, readLogText, requestCancel, resumeJob, retryJob } from '@reelay/store';
import { requireRole, userOf } from '../auth/sign-in.ts';
import type { GatewayDeps } from '../deps.ts';
import type { App } from '../http/env.ts';
import { HttpProblem } from '../http/problem.ts';
import { emptyBodyAsObject, idParam, json, noQuery, optionalJsonBody, problems, uuidOr404 } from '../http/route.ts';
import { tellNode } from '../jobs/tell-node.ts';
import { jobOr404 } from '../jobs/view.ts';

const tags = ['Jobs'];
/** How long a cancel waits for a running job to end before it answers 202. */
const CANCEL_WAIT_MS = 2_000;

const notFound = (id: string): HttpProblem => new HttpProblem('job_not_found', `There is no job ${id}`);
const refused = (action: string, job: JobRow): HttpProblem =>
  new HttpProblem('job_state_conflict', job.cancelRequestedAt !== null && !isFinal(job.status)
    ? `The job is ${job.status} and being cancelled: it cannot be ${action}`
    : `The job is ${job.status}: it cannot be ${action}`);

export const jobActionRoutes = (app: App, deps: GatewayDeps): void => {
  retryRoute(app, deps);
  cancelRoute(app, deps);
  pauseRoutes(app, deps);
};

const retryRoute = (app: App, { sql, hints }: GatewayDeps): void => {
  app.openapi(createRoute({
    method: 'post', path: '/api/media/jobs/{id}/retry', tags, summary: 'Run a failed job again, now', middleware: requireRole(sql, 'SUPER_ADMIN'),
    request: { params: idParam, query: noQuery },
    responses: { 200: json(retryResponse, 'Waiting again'), ...problems },
  }), async (c) => {
    const id = uuidOr404(c.req.valid('param').id, 'job_not_found');
    const result = await retryJob(sql, id, (await userOf(c)).username);
    if (result.kind === 'not_found') throw notFound(id);
    if (result.kind === 'refused') throw refused('retried', result.job);
    hints.queue();
    const { status, retryCount, retryAfter } = result.job;
    return c.json({ id, status, retryCount, retryAfter: retryAfter?.toISOString() ?? null, log: await readLogText(sql, id) }, 200);
  });
};

const cancelRoute = (app: App, deps: GatewayDeps): void => {
  const { sql } = deps;
  app.openapi(createRoute({
    method: 'post', path: '/api/media/jobs/{id}/cancel', tags, summary: 'Cancel a job', middleware: requireRole(sql, 'SUPER_ADMIN'),
    description: 'What does not run ends at once. A running job is waited for up to 2 s: 200 says how it ended, 202 that it is still ending.',
    request: { params: idParam, query: noQuery },
    responses: { 200: json(cancelResponse, 'Over; `status` says whether the cancel or a completion won'), 202: json(cancelResponse, 'Being cancelled'), ...problems },
  }), async (c) => {
    const id = uuidOr404(c.req.valid('param').id, 'job_not_found');
    // Listens before it asks, so that an end in between is not missed.
    const ended = deps.outbox.untilJobEnds(id, CANCEL_WAIT_MS);
    const result = await requestCancel(sql, id, (await userOf(c)).username);
    if (result.kind === 'not_found') throw notFound(id);
    if (result.kind === 'refused') throw refused('cancelled', result.job);
    deps.hints.queue();
    const attempt = result.attempt;
    const told = attempt === null ? null : tellNode(deps, attempt.nodeId, 'cancel', { jobId: id, epoch: attempt.epoch, reason: 'cancelled' });
    if (result.kind === 'requested') {
      await ended;
      await told;
    }
    const { status, cancelRequestedAt } = await jobOr404(sql, id, {});
    const body = { id, status, log: await readLogText(sql, id), cancelRequestedAt: cancelRequestedAt?.toISOString() ?? null };
    return isFinal(status) ? c.json(body, 200) : c.json(body, 202);
  });
};

const pauseRoutes = (app: App, deps: GatewayDeps): void => {
  const { sql, hints } = deps;
  const role = requireRole(sql, 'SUPER_ADMIN');

  app.openapi(createRoute({
    method: 'post', path: '/api/media/jobs/{id}/pause', tags, summary: 'Pause a job', middleware: [role, emptyBodyAsObject],
    description: 'A running job is frozen and keeps its slot and VRAM; with `release` it is stopped and gives them back.',
    request: { params: idParam, query: noQuery, body: optionalJsonBody(pauseJobRequest) },
    responses: { 200: json(stateResponse, 'Paused'), ...problems },
  }), async (c) => {
    const id = uuidOr404(c.req.valid('param').id, 'job_not_found');
    const release = c.req.valid('json').release ?? false;
    const result = await pauseJob(sql, id, { release }, (await userOf(c)).username);
    if (result.kind === 'not_found') throw notFound(id);
    if (result.kind === 'refused') throw refused('paused', result.job);
    hints.queue();
    if (result.freeze) await tellNode(deps, result.freeze.nodeId, 'pause', { jobId: id, epoch: result.freeze.epoch });
    if (result.stop) await tellNode(deps, result.stop.nodeId, 'cancel', { jobId: id, epoch: result.stop.epoch, reason: 'released' });
    return c.json({ id, status: result.job.status }, 200);
  });

  app.openapi(createRoute({
    method: 'post', path: '/api/media/jobs/{id}/resume', tags, summary: 'Resume a paused job', middleware: role,
    request: { params: idParam, query: noQuery },
    responses: { 200: json(stateResponse, '`running` when it was frozen on its node, else `pending`'), ...problems },
  }), async (c) => {
    const id = uuidOr404(c.req.valid('param').id, 'job_not_found');
    const result = await resumeJob(sql, id, (await userOf(c)).username);
    if (result.kind === 'not_found') throw notFound(id);
    if (result.kind === 'refused') throw refused('resumed', result.job);
    hints.queue();
    if (result.thaw) await tellNode(deps, result.thaw.nodeId, 'resume', { jobId: id, epoch: result.thaw.epoch });
    return c.json({ id, status: result.job.status }, 200);
  });
};
