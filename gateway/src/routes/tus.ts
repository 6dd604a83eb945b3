import { PROBLEMS, type ProblemCode, type User } from '@reelay/contracts';
import { errorCode, toError } from '@reelay/runtime';
import { Server } from '@tus/server';
import { z } from 'zod';
import { requireSignIn } from '../auth/sign-in.ts';
import type { GatewayDeps } from '../deps.ts';
import type { App, RequestContext } from '../http/env.ts';
import { HttpProblem, problemBody } from '../http/problem.ts';
import { problems } from '../http/route.ts';
import { admitUpload } from '../videos/admit.ts';
import { syncFile } from '../videos/receive.ts';
import { UploadStore } from '../videos/tus-store.ts';
import { uploadName } from './upload.ts';

const PATH = '/api/media/uploads';
const ID = '[0-9a-f]{32}';

/** The protocol's errors carry what its clients act on in the status; the code is chosen to fit. */
const CODES: Readonly<Record<number, ProblemCode>> = {
  404: 'upload_not_found', 409: 'upload_conflict', 410: 'upload_not_found', 413: 'body_too_large', 415: 'unsupported_media_type', 422: 'invalid_parameter',
  423: 'upload_conflict', 507: 'storage_full',
};

/** tus 1.0: resumable uploads. A finished one becomes a video exactly as with the plain upload. */
export const tusRoutes = (app: App, deps: GatewayDeps): void => {
  const users = new WeakMap<Request, User>();
  const store = new UploadStore(deps.library, deps.settings.REELAY_UPLOAD_KEEP_HOURS * 3_600_000);
  const server = makeServer(deps, store, users);

  const handle = async (c: RequestContext): Promise<Response> => {
    const { principal } = await requireSignIn(deps.sql, c, 'ADMIN');
    users.set(c.req.raw, principal.user);
    return asProblem(c, await server.handleWeb(c.req.raw));
  };
  app.post(PATH, handle);
  app.on(['PATCH', 'DELETE'], `${PATH}/:id{${ID}}`, handle);
  // Hono answers HEAD from the GET route; a GET itself would give the part away.
  app.get(`${PATH}/:id{${ID}}`, async (c, next) => (c.req.method === 'HEAD' ? handle(c) : next()));
  app.on('OPTIONS', [PATH, `${PATH}/:id`], async (c) => server.handleWeb(c.req.raw));
  document(app);
};

/** An error as the tus server wants it. */
const refuse = (problem: HttpProblem) => Object.assign(new Error(problem.message), { status_code: problem.status, body: problem.message });

const nameOf = (metadata: Record<string, string | null> | undefined): string => {
  try {
    return uploadName(metadata?.filename ?? metadata?.name ?? '');
  } catch (error) {
    throw error instanceof HttpProblem ? refuse(error) : error;
  }
};

const makeServer = (deps: GatewayDeps, store: UploadStore, users: WeakMap<Request, User>): Server => {
  return new Server({
    path: PATH, datastore: store, relativeLocation: true, allowedOrigins: [], maxSize: deps.settings.REELAY_MAX_UPLOAD_BYTES,
    onUploadCreate: async (_request, upload) => {
      nameOf(upload.metadata);
      if (upload.size === 0) throw refuse(new HttpProblem('invalid_request', 'The file is empty'));
      return {};
    },
    onUploadFinish: async (request, upload) => {
      const user = users.get(request);
      if (user === undefined) throw refuse(new HttpProblem('unauthenticated', 'Sign in, or send a bearer token'));
      try {
        await syncFile(store.pathOf(upload.id));
        const video = await admitUpload(deps, store.pathOf(upload.id), nameOf(upload.metadata), user);
        deps.hints.queue();
        return { headers: { 'x-reelay-video-id': video.id } };
      } finally {
        await store.discard(upload.id);
      }
    },
    onResponseError: (_request, error) => {
      if (!(error instanceof Error) || 'status_code' in error) return undefined;
      deps.logger.error({ err: toError(error), code: errorCode(error) }, 'resumable upload failed');
      return { status_code: 500, body: 'Something went wrong here' };
    },
  });
};

const asProblem = async (c: RequestContext, response: Response): Promise<Response> => {
  if (response.status < 400) return response;
  // An extension that the server does not offer is the client's mistake.
  const status = response.status === 501 ? 400 : response.status;
  const detail = (await response.text()).trim() || 'The upload was refused';
  const code = CODES[status] ?? (status >= 500 ? 'internal' : 'invalid_request');
  const headers = new Headers(response.headers);
  headers.set('content-type', 'application/problem+json');
  headers.delete('content-length');
  const body = { ...problemBody(new HttpProblem(code, detail), c.var.requestId), status, title: PROBLEMS[code][1] };
  return new Response(JSON.stringify(body), { status, headers });
};

const document = (app: App): void => {
  const headers = z.object({ 'tus-resumable': z.literal('1.0.0') });
  const one = { params: z.object({ id: z.string() }), headers };
  const describe = (method: 'post' | 'patch' | 'delete' | 'head', path: string, summary: string, status: number, request: object): void => {
    app.openAPIRegistry.registerPath({ method, path, tags: ['Videos'], summary, request, responses: { [status]: { description: summary }, ...problems } });
  };
  describe('post', PATH, 'tus: begin a resumable upload', 201, { headers: headers.extend({ 'upload-length': z.string(), 'upload-metadata': z.string() }) });
  describe('head', `${PATH}/{id}`, 'tus: how much has arrived', 200, one);
  describe('patch', `${PATH}/{id}`, 'tus: send on from an offset; x-reelay-video-id names the video when it is whole', 204, one);
  describe('delete', `${PATH}/{id}`, 'tus: give up an upload', 204, one);
};
