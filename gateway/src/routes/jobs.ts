import {
  attemptSchema, auditEntrySchema, bulkJobsRequest, bulkJobsResponse, catalogueItems, createJobRequest, isFinal, type JobDetail, jobDetailSchema,
  jobListQuery, jobListSchema, jobSchema, jobStatsSchema, patchJobRequest, reencodeRequest,
} from '@reelay/contracts';
import { createRoute } from '@hono/zod-openapi';
import { listJobs, patchJob, readAttempts, readAudit, readJobStats, readLogText } from '@reelay/store';
import { z } from 'zod';
import { jobScopeOf, requireRole, userOf } from '../auth/sign-in.ts';
import type { GatewayDeps } from '../deps.ts';
import type { App } from '../http/env.ts';
import { HttpProblem } from '../http/problem.ts';
import { idempotencyHeader, idParam, json, jsonBody, noQuery, problems, uuidOr404 } from '../http/route.ts';
import { createAndShow } from '../jobs/create.ts';
import { digestOf, once } from '../jobs/idempotency.ts';
import { planJobs } from '../jobs/plan.ts';
import { jobOr404, showJob } from '../jobs/view.ts';

const tags = ['Jobs'];
const catalogueSchema = z.object({
  data: z.array(z.object({
    type: z.string(), title: z.string(), description: z.string(), category: z.string(), vramMb: z.int(), available: z.boolean(),
    paramsSchema: z.record(z.string(), z.unknown()).meta({ description: 'JSON Schema of `params`' }),
  })),
});

export const jobRoutes = (app: App, deps: GatewayDeps): void => {
  readRoutes(app, deps);
  createRoutes(app, deps);
  historyRoutes(app, deps);
};

const readRoutes = (app: App, deps: GatewayDeps): void => {
  const { sql } = deps;
  const middleware = requireRole(sql, 'ADMIN');

  app.openapi(createRoute({
    method: 'get', path: '/api/media/catalogue', tags, summary: 'All job types with the schema of their parameters', middleware: requireRole(sql, 'VIEWER'),
    request: { query: noQuery },
    responses: { 200: json(catalogueSchema, 'The catalogue'), ...problems },
  }), (c) => c.json({ data: catalogueItems() }, 200));

  app.openapi(createRoute({
    method: 'get', path: '/api/media/jobs', tags, summary: 'List jobs', middleware,
    description: 'An ADMIN sees own jobs only. `status` and `type` take several values, separated by commas.',
    request: { query: jobListQuery },
    responses: { 200: json(jobListSchema, 'A page of jobs'), ...problems },
  }), async (c) => {
    const page = await listJobs(sql, c.req.valid('query'), jobScopeOf(await userOf(c)));
    return c.json({ data: page.data.map((view) => showJob(deps, view)), pagination: page.pagination }, 200);
  });

  app.openapi(createRoute({
    method: 'get', path: '/api/media/jobs/stats', tags, summary: 'Queue statistics', middleware, request: { query: noQuery },
    responses: { 200: json(jobStatsSchema, 'Counts; VRAM in MB; averageProcessingTime in seconds'), ...problems },
  }), async (c) => c.json(await readJobStats(sql, jobScopeOf(await userOf(c))), 200));

  app.openapi(createRoute({
    method: 'get', path: '/api/media/jobs/{id}', tags, summary: 'A job with its log', middleware, request: { params: idParam, query: noQuery },
    responses: { 200: json(jobDetailSchema, 'The job'), ...problems },
  }), async (c) => {
    const id = uuidOr404(c.req.valid('param').id, 'job_not_found');
    const view = await jobOr404(sql, id, jobScopeOf(await userOf(c)));
    const detail: JobDetail = { ...showJob(deps, view), log: await readLogText(sql, id) };
    return c.json(detail, 200);
  });
};

const createRoutes = (app: App, deps: GatewayDeps): void => {
  const { sql } = deps;
  const middleware = requireRole(sql, 'ADMIN');

  app.openapi(createRoute({
    method: 'post', path: '/api/media/jobs', tags, summary: 'Create a job', middleware,
    description: 'What is left out comes from the catalogue. `vramRequired` may be raised or lowered; `resourceCategory` must be the type’s.',
    request: { headers: idempotencyHeader, query: noQuery, body: jsonBody(createJobRequest) },
    responses: { 201: json(jobSchema, 'Created'), ...problems },
  }), async (c) => {
    const user = await userOf(c);
    const body = c.req.valid('json');
    return once(sql, c, { owner: user.id, bodyDigest: digestOf(body), replay: (first) => c.json(jobSchema.parse(first), 201) }, async (first) => {
      const [planned] = await planJobs(deps, [body], user.username);
      if (planned?.kind !== 'job') throw planned?.problem ?? new HttpProblem('invalid_request', 'Nothing to create');
      return c.json(await createAndShow(deps, [planned.row], user, first, ([job]) => jobSchema.parse(job)), 201);
    });
  });

  app.openapi(createRoute({
    method: 'post', path: '/api/media/jobs/bulk', tags, summary: 'Create up to 1,000 jobs', middleware,
    description: 'Each entry is checked by itself: what is wrong is told in `errors` by index, the rest is created.',
    request: { headers: idempotencyHeader, query: noQuery, body: jsonBody(bulkJobsRequest) },
    responses: { 201: json(bulkJobsResponse, 'Created'), ...problems },
  }), async (c) => {
    const user = await userOf(c);
    const body = c.req.valid('json');
    return once(sql, c, { owner: user.id, bodyDigest: digestOf(body), replay: (first) => c.json(bulkJobsResponse.parse(first), 201) }, async (first) => {
      const planned = await planJobs(deps, body.jobs, user.username);
      const rows = planned.flatMap((plan) => (plan.kind === 'job' ? [plan.row] : []));
      const errors = planned.flatMap((plan, index) => (plan.kind === 'refused' ? [{ index, code: plan.problem.code, detail: plan.problem.message }] : []));
      return c.json(await createAndShow(deps, rows, user, first, (data) => ({ data, errors })), 201);
    });
  });

  app.openapi(createRoute({
    method: 'post', path: '/api/media/jobs/reencode', tags, summary: 'Re-encode a video for streaming', middleware,
    request: { headers: idempotencyHeader, query: noQuery, body: jsonBody(reencodeRequest) },
    responses: { 201: json(jobSchema, 'Created'), ...problems },
  }), async (c) => {
    const user = await userOf(c);
    const params = c.req.valid('json');
    return once(sql, c, { owner: user.id, bodyDigest: digestOf(params), replay: (first) => c.json(jobSchema.parse(first), 201) }, async (first) => {
      const [planned] = await planJobs(deps, [{ type: 'reencode_streaming', params }], user.username);
      if (planned?.kind !== 'job') throw planned?.problem ?? new HttpProblem('invalid_request', 'Nothing to create');
      return c.json(await createAndShow(deps, [planned.row], user, first, ([job]) => jobSchema.parse(job)), 201);
    });
  });
};

const historyRoutes = (app: App, deps: GatewayDeps): void => {
  const { sql } = deps;
  const middleware = requireRole(sql, 'ADMIN');
  const request = { params: idParam, query: noQuery };

  app.openapi(createRoute({
    method: 'get', path: '/api/media/jobs/{id}/attempts', tags, summary: 'Runs of a job on nodes, newest first', middleware, request,
    responses: { 200: json(z.object({ data: z.array(attemptSchema) }), 'The attempts'), ...problems },
  }), async (c) => {
    const { id } = await jobOr404(sql, uuidOr404(c.req.valid('param').id, 'job_not_found'), jobScopeOf(await userOf(c)));
    return c.json({ data: await readAttempts(sql, id) }, 200);
  });

  app.openapi(createRoute({
    method: 'get', path: '/api/media/jobs/{id}/audit', tags, summary: 'What happened to a job, oldest first', middleware, request,
    responses: { 200: json(z.object({ data: z.array(auditEntrySchema) }), 'The audit'), ...problems },
  }), async (c) => {
    const { id } = await jobOr404(sql, uuidOr404(c.req.valid('param').id, 'job_not_found'), jobScopeOf(await userOf(c)));
    return c.json({ data: await readAudit(sql, id) }, 200);
  });

  app.openapi(createRoute({
    method: 'patch', path: '/api/media/jobs/{id}', tags, summary: 'Change priority or labels', middleware: requireRole(sql, 'SUPER_ADMIN'),
    request: { params: idParam, query: noQuery, body: jsonBody(patchJobRequest) },
    responses: { 200: json(jobSchema, 'Changed'), ...problems },
  }), async (c) => {
    const id = uuidOr404(c.req.valid('param').id, 'job_not_found');
    const user = await userOf(c);
    const patched = await patchJob(sql, id, c.req.valid('json'), user.username);
    if (patched.kind === 'not_found') throw new HttpProblem('job_not_found', `There is no job ${id}`);
    if (patched.kind === 'refused') throw new HttpProblem('job_state_conflict', `The job is ${patched.job.status}; its priority matters no more`);
    if (!isFinal(patched.job.status)) deps.hints.queue();
    return c.json(showJob(deps, await jobOr404(sql, id, {})), 200);
  });
};
