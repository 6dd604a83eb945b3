import { applyEffectBatch, JobRefused } from '@reelay/job-types/hub';
import { errorCode, identify, normaliseLibraryPath, parsePartName } from '@reelay/runtime';
import { readJob, readOrderedFile } from '@reelay/store';
import type { Context } from 'hono';
import { z } from 'zod';
import type { GatewayDeps } from '../deps.ts';
import type { App, AppEnv } from '../http/env.ts';
import { HttpProblem, problemBody } from '../http/problem.ts';
import { sendFile } from '../http/send-file.ts';
import { writeOutput } from '../videos/write-output.ts';

const attempt = { jobId: z.uuid(), epoch: z.int().min(1) };
const fileToken = z.object({ k: z.literal('file'), ...attempt, path: z.string() });
const outputToken = z.object({ k: z.literal('output'), ...attempt, partPath: z.string() });
const effectsToken = z.object({ k: z.literal('effects'), ...attempt });
const batchBody = z.record(z.string(), z.unknown());

/**
 * What agents without the library, and all agents with many results, ask of the hub. The signed token in the path says
 * which attempt may do what; it is made by the scheduler with the work order and never logged.
 */
export const agentRoutes = (app: App, deps: GatewayDeps): void => {
  app.get('/agent/v1/files/:token', async (c) => {
    const { jobId, epoch, path } = payloadOf(deps, c, fileToken);
    await refuseStale(deps, jobId, epoch);
    const file = await deps.library.resolveExisting(path);
    await refuseOther(deps, { jobId, epoch, path }, file);
    return sendFile(c, { path: file, contentType: 'application/octet-stream', cacheControl: 'no-store' });
  });

  app.put('/agent/v1/outputs/:token', async (c) => {
    const { jobId, epoch, partPath } = payloadOf(deps, c, outputToken);
    const part = parsePartName(normaliseLibraryPath(partPath));
    if (part === null || part.jobId !== jobId || part.epoch !== epoch) throw new HttpProblem('forbidden', 'The path is not one of this attempt’s parts');
    const length = Number(c.req.header('content-length') ?? Number.NaN);
    if (!Number.isInteger(length) || length < 0) throw new HttpProblem('invalid_request', 'Content-Length is needed');
    await refuseStale(deps, jobId, epoch);
    c.var.ctx.throwIfCancelled();
    await writeOutput(deps, await deps.library.resolveForCreate(partPath), c.req.raw.body, length);
    return c.json({ sizeBytes: length }, 200);
  });

  app.post('/agent/v1/effects/:token/:n{[0-9]{1,6}}', async (c) => {
    const { jobId, epoch } = payloadOf(deps, c, effectsToken);
    const body = batchBody.safeParse(await c.req.json().catch(() => null));
    if (!body.success) throw new HttpProblem('malformed_json', 'The body is not a JSON object');
    const environment = { libraryRoot: deps.library.path, now: () => deps.clock.now(), newId: deps.newId };
    try {
      const reply = await applyEffectBatch(deps.sql, { jobId, epoch, n: Number(c.req.param('n')), body: body.data }, environment);
      deps.hints.outbox();
      return c.json(reply, 200);
    } catch (error) {
      if (errorCode(error) === 'stale_attempt') throw stale(jobId, epoch);
      if (!(error instanceof JobRefused)) throw error;
      // The job fails with this very code, so it is passed on.
      const problem = problemBody(new HttpProblem('effects_refused', error.message), c.var.requestId);
      return c.json({ ...problem, code: error.error.code }, 422, { 'content-type': 'application/problem+json' });
    }
  });
};

/** @throws HttpProblem unauthenticated */
const payloadOf = <T>(deps: GatewayDeps, c: Context<AppEnv>, schema: z.ZodType<T>): T => {
  try {
    return schema.parse(deps.keys.verify(c.req.param('token') ?? ''));
  } catch (error) {
    throw new HttpProblem('unauthenticated', 'The signed address is not valid (any more)', { cause: error });
  }
};

const stale = (jobId: string, epoch: number): HttpProblem => new HttpProblem('stale_attempt', `Attempt ${epoch} of job ${jobId} is not the current one`);

/**
 * The attempt's own lock keeps its input in its place. Where that ended with a lease that nobody could renew, another file
 * may lie there by now: better none than that one. @throws HttpProblem source_changed
 */
const refuseOther = async (deps: GatewayDeps, { jobId, epoch, path }: { jobId: string; epoch: number; path: string }, file: string): Promise<void> => {
  const [ordered, found] = await Promise.all([readOrderedFile(deps.sql, jobId, epoch, path), identify(file)]);
  if (ordered === null || (ordered.sizeBytes === found.sizeBytes && ordered.mtimeMs === Math.floor(found.mtimeMs))) return;
  throw new HttpProblem('source_changed', `${path} is not the file that the attempt was ordered to read`);
};

const refuseStale = async (deps: GatewayDeps, jobId: string, epoch: number): Promise<void> => {
  const job = await readJob(deps.sql, jobId);
  const holds = job !== null && job.nodeId !== null && (job.status === 'queued' || job.status === 'running' || job.status === 'paused');
  if (!holds || job.epoch !== epoch) throw stale(jobId, epoch);
};
