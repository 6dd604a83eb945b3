import { PROBLEMS, type ProblemCode, type Video } from '@reelay/contracts';
import { Ctx, errorCode } from '@reelay/runtime';
import { Server, type Upload } from '@tus/server';
import { z } from 'zod';
import { requireSignIn } from '../auth/sign-in.ts';
import type { GatewayDeps } from '../deps.ts';
import type { App, RequestContext } from '../http/env.ts';
import { HttpProblem, problemBody, toProblem } from '../http/problem.ts';
import { problems } from '../http/route.ts';
import { uploadCaller } from '../uploads/caller.ts';
import { CHECKSUM_ALGORITHMS, parseChecksum } from '../uploads/checksum.ts';
import { finishedVideo, finishUpload } from '../uploads/finish.ts';
import { UploadStore } from '../videos/tus-store.ts';
import { uploadName } from './upload.ts';

const PATH = '/api/media/uploads';
const ID = '[0-9a-f]{32}';
const VIDEO_ID = 'x-reelay-video-id';
/** From the wish that a request lets go of an upload to its answer. */
const LET_GO_MS = 100;

/** The protocol's errors carry what its clients act on in the status; the code is chosen to fit. */
const CODES: Readonly<Record<number, ProblemCode>> = {
  404: 'upload_not_found', 409: 'upload_conflict', 410: 'upload_not_found', 413: 'body_too_large', 415: 'unsupported_media_type', 422: 'invalid_parameter',
  423: 'upload_conflict', 460: 'upload_conflict', 503: 'unavailable', 507: 'storage_full',
};

/**
 * tus 1.0: resumable uploads, with creation, termination, expiration and checksum. One may begin on one gateway and go
 * on at another. A finished one becomes a video exactly as with the plain upload.
 */
export const tusRoutes = (app: App, deps: GatewayDeps): void => {
  const store = new UploadStore(deps.library, keepMs(deps), {
    guard: (id) => deps.uploads.guard(id),
    checksum: () => uploadCaller.getStore()?.checksum ?? null,
  });
  const server = makeServer(deps, store);

  const answerIfFinished = async (c: RequestContext, id: string): Promise<Response | null> => {
    const video = await finishedVideo(deps.sql, id);
    if (video === null) return null;
    // Left there by a gateway that was killed right after it had made the video.
    await store.discard(id);
    return answerFinished(c, video);
  };
  const handle = async (c: RequestContext): Promise<Response> => {
    const { principal } = await requireSignIn(deps.sql, c, 'ADMIN');
    const id = c.req.param('id');
    const answered = id === undefined ? null : await answerIfFinished(c, id);
    if (answered !== null) return answered;
    const { ctx } = c.var;
    ctx.throwIfCancelled();
    // It may have changed since the last request.
    store.expirationPeriodInMilliseconds = keepMs(deps);
    const caller = { user: principal.user, ctx, checksum: parseChecksum(c.req.header('upload-checksum')) };
    const response = await uploadCaller.run(caller, () => server.handleWeb(c.req.raw));
    // It may have become a video while this request waited for it.
    const late = response.status === 404 && id !== undefined ? await answerIfFinished(c, id) : null;
    return late ?? asProblem(c, response);
  };
  app.post(PATH, handle);
  app.on(['PATCH', 'DELETE'], `${PATH}/:id{${ID}}`, handle);
  // Hono answers HEAD from the GET route; a GET itself would give the part away.
  app.get(`${PATH}/:id{${ID}}`, async (c, next) => (c.req.method === 'HEAD' ? handle(c) : next()));
  app.on('OPTIONS', [PATH, `${PATH}/:id`], async (c) => {
    const response = await server.handleWeb(c.req.raw);
    response.headers.set('tus-checksum-algorithm', CHECKSUM_ALGORITHMS.join(','));
    return response;
  });
  document(app);
};

const keepMs = ({ settings }: GatewayDeps): number => settings.REELAY_UPLOAD_KEEP_HOURS * 3_600_000;

/** An upload that is a video by now, asked for by a client that has not heard so. */
const answerFinished = (c: RequestContext, { id, sizeBytes }: Video): Response => {
  const headers = { 'tus-resumable': '1.0.0', 'upload-offset': String(sizeBytes), 'upload-length': String(sizeBytes), 'cache-control': 'no-store', [VIDEO_ID]: id };
  if (c.req.method === 'HEAD') return new Response(null, { status: 200, headers });
  if (c.req.method === 'DELETE') throw new HttpProblem('upload_not_found', 'The upload is a video by now', { headers });
  if (c.req.header('upload-offset') === String(sizeBytes)) return new Response(null, { status: 204, headers });
  throw new HttpProblem('upload_conflict', 'The upload is whole, and a video by now', { headers });
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

const makeServer = (deps: GatewayDeps, store: UploadStore): Server => {
  return new Server({
    path: PATH, datastore: store, relativeLocation: true, allowedOrigins: [], maxSize: () => deps.settings.REELAY_MAX_UPLOAD_BYTES,
    locker: () => deps.uploads.for(uploadCaller.getStore()?.ctx ?? Ctx.root('upload')), lockDrainTimeout: LET_GO_MS,
    onUploadCreate: async (_request, upload) => {
      nameOf(upload.metadata);
      if (upload.size === 0) throw refuse(new HttpProblem('invalid_request', 'The file is empty'));
      return {};
    },
    onUploadFinish: async (_request, upload) => ({ headers: { [VIDEO_ID]: (await finish(deps, store, upload)).id } }),
    onResponseError: (_request, error) => {
      if (!(error instanceof Error) || 'status_code' in error) return undefined;
      const problem = toProblem(error);
      if (problem.status >= 500) deps.logger.error({ err: error, code: errorCode(error) }, 'resumable upload failed');
      return { status_code: problem.status, body: problem.message };
    },
  });
};

/** The tus server has given the lock back by now; another gateway may be finishing the same upload. */
const finish = async (deps: GatewayDeps, store: UploadStore, upload: Upload): Promise<Video> => {
  const caller = uploadCaller.getStore();
  if (caller === undefined) throw refuse(new HttpProblem('unauthenticated', 'Sign in, or send a bearer token'));
  const lock = deps.uploads.for(caller.ctx).newLock(upload.id);
  await lock.lock(new AbortController().signal, () => {});
  try {
    const video = await finishUpload({ ...deps, store }, upload.id, nameOf(upload.metadata), caller.user);
    deps.hints.queue();
    await store.discard(upload.id);
    await deps.uploads.forget(upload.id);
    return video;
  } finally {
    await lock.unlock();
  }
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
