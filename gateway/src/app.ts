import { OpenAPIHono } from '@hono/zod-openapi';
import { Cause, errorCode, type Logger } from '@reelay/runtime';
import { bodyLimit } from 'hono/body-limit';
import { compress } from 'hono/compress';
import type { GatewayDeps } from './deps.ts';
import type { App, AppEnv } from './http/env.ts';
import { allowedMethods } from './http/methods.ts';
import { HttpProblem, problemResponse, toProblem } from './http/problem.ts';
import { refuseInvalid } from './http/route.ts';
import { CORS } from './http/send-piece.ts';
import { loggedPath } from './http/signed-path.ts';
import { accessLog } from './middleware/access-log.ts';
import { requestContext } from './middleware/request-context.ts';
import { requestId } from './middleware/request-id.ts';
import { securityHeaders } from './middleware/security-headers.ts';
import { whileDraining } from './middleware/while-draining.ts';
import { agentRoutes } from './routes/agent.ts';
import { agentSegmentRoutes } from './routes/agent-segments.ts';
import { authRoutes } from './routes/auth.ts';
import { docsRoutes } from './routes/docs.ts';
import { eventRoutes } from './routes/events.ts';
import { healthRoutes } from './routes/health.ts';
import { jobActionRoutes } from './routes/job-actions.ts';
import { jobLogRoutes } from './routes/job-log.ts';
import { liveRoutes } from './routes/live.ts';
import { lockRoutes } from './routes/locks.ts';
import { jobRoutes } from './routes/jobs.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { nodeRoutes } from './routes/nodes.ts';
import { playbackRoutes } from './routes/playback.ts';
import { processRoutes } from './routes/processes.ts';
import { streamRoutes } from './routes/stream.ts';
import { streamsRoutes } from './routes/streams.ts';
import { tokenRoutes } from './routes/tokens.ts';
import { tusRoutes } from './routes/tus.ts';
import { uploadRoutes } from './routes/upload.ts';
import { userRoutes } from './routes/users.ts';
import { videoRoutes } from './routes/videos.ts';

/** JSON bodies; files have limits of their own. */
const MAX_JSON_BYTES = 4 * 1024 * 1024;
const FILE_BODIES = /^\/(api\/media\/uploads|api\/media\/videos\/upload|agent\/v1\/(outputs|segments|pipes))/;
const COMPRESSED = /^\/(api\/(?!media\/events|media\/uploads)|openapi\.json|docs)/;

/** The whole HTTP application. It does nothing by itself: everything it works with is in `deps`. */
export const createApp = (deps: GatewayDeps): App => {
  const app: App = new OpenAPIHono<AppEnv>({
    defaultHook: refuseInvalid,
  });
  app.use(requestId(deps));
  app.use(requestContext(deps.requests));
  app.use(accessLog({ clock: deps.clock, logger: deps.logger, onRequest: deps.metrics.request }));
  app.use(securityHeaders);
  app.use(whileDraining(deps.drain));
  const limit = bodyLimit({ maxSize: MAX_JSON_BYTES, onError: () => { throw new HttpProblem('body_too_large', `A JSON body may have ${MAX_JSON_BYTES} bytes`); } });
  app.use(async function limitJsonBodies(c, next) {
    // A look at the body of a request without one would make the whole request anew, which costs more than a segment does.
    const hasNone = c.req.method === 'GET' || c.req.method === 'HEAD';
    return hasNone || FILE_BODIES.test(c.req.path) ? next() : limit(c, next);
  });
  const compressed = compress({ threshold: 1024 });
  app.use(async function compressText(c, next) {
    return COMPRESSED.test(c.req.path) && c.req.header('range') === undefined ? compressed(c, next) : next();
  });

  const routes = [
    healthRoutes, metricsRoutes, docsRoutes, authRoutes, tokenRoutes, userRoutes, jobRoutes, jobActionRoutes, jobLogRoutes,
    uploadRoutes, tusRoutes, videoRoutes, lockRoutes, playbackRoutes, streamRoutes, liveRoutes, streamsRoutes, nodeRoutes, processRoutes, eventRoutes, agentRoutes, agentSegmentRoutes,
  ];
  for (const register of routes) register(app, deps);

  app.notFound(async (c) => {
    const allowed = allowedMethods(app, c.req.path);
    if (allowed.length > 0) {
      const problem = new HttpProblem('method_not_allowed', `${c.req.path} takes ${allowed.join(', ')}`, { headers: { allow: allowed.join(', ') } });
      return problemResponse(problem, c.var.requestId);
    }
    const reads = c.req.method === 'GET' || c.req.method === 'HEAD';
    const page = reads && !/^\/(api|stream|agent|s)(\/|$)/.test(c.req.path) ? await deps.web?.respond(c) : null;
    return page ?? problemResponse(new HttpProblem('not_found', `There is nothing at ${loggedPath(c.req.path)}`), c.var.requestId);
  });
  app.onError((error, c) => {
    const problem = toProblem(error);
    logProblem(c.var.logger, problem, error);
    // A player on another page must learn why, and when to come back.
    const ofStream = /^\/(stream|s)\//.test(c.req.path);
    return problemResponse(problem, c.var.requestId, ofStream ? CORS : {});
  });
  return app;
};

/**
 * What nobody foresaw, with its stack: reading that one the first time stops the whole gateway for some 100 ms, for the map
 * of its sources is parsed (measured). What is foreseen (no encoder free, no database) in a line.
 */
const logProblem = (logger: Logger, problem: HttpProblem, error: unknown): void => {
  if (problem.status < 500 || error instanceof Cause || problem.code === 'gateway_stopping') return;
  const cause = problem.cause ?? error;
  if (problem.code === 'internal') logger.error({ err: cause, code: problem.code }, 'request failed');
  else logger.warn({ code: problem.code, cause: cause instanceof Error ? cause.message : problem.message, causeCode: errorCode(cause) }, 'request not served');
};
