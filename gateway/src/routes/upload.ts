import { uploadQuery, videoSchema } from '@reelay/contracts';
import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import { requireRole, userOf } from '../auth/sign-in.ts';
import type { GatewayDeps } from '../deps.ts';
import type { App } from '../http/env.ts';
import { HttpProblem } from '../http/problem.ts';
import { idempotencyHeader, json, problems } from '../http/route.ts';
import { once } from '../jobs/idempotency.ts';
import { admitUpload } from '../videos/admit.ts';
import { safeFileName } from '../videos/file-name.ts';
import { receivePart } from '../videos/receive.ts';

/** The name under which an upload is kept. @throws HttpProblem invalid_parameter */
export const uploadName = (offered: string): string => {
  const name = safeFileName(offered);
  if (name === null) throw new HttpProblem('invalid_parameter', 'filename: nothing usable is left of this name', { errors: [{ path: 'filename', message: 'is no usable name' }] });
  return name;
};

export const uploadRoutes = (app: App, deps: GatewayDeps): void => {
  const { sql, settings } = deps;
  app.openapi(createRoute({
    method: 'post', path: '/api/media/videos/upload', tags: ['Videos'], summary: 'Upload a video: the body is the file', middleware: requireRole(sql, 'ADMIN'),
    description: 'The file goes to the inbox under a free name, and is validated and gets its thumbnail by itself.',
    request: {
      query: uploadQuery, headers: idempotencyHeader,
      body: { required: true, content: { 'application/octet-stream': { schema: z.string().meta({ format: 'binary' }) } } },
    },
    responses: { 201: json(videoSchema, 'Uploaded'), ...problems },
  }), async (c) => {
    const user = await userOf(c);
    const filename = uploadName(c.req.valid('query').filename);
    const length = c.req.header('content-length');
    if (Number(length ?? 0) > settings.REELAY_MAX_UPLOAD_BYTES) throw new HttpProblem('body_too_large', `A file may have ${settings.REELAY_MAX_UPLOAD_BYTES} bytes`);
    return once(sql, c, { owner: user.id, bodyDigest: length ?? '', replay: (first) => c.json(videoSchema.parse(first), 201) }, async (first) => {
      const id = deps.newId();
      const limits = { maxBytes: settings.REELAY_MAX_UPLOAD_BYTES, stallMs: settings.REELAY_STALL_TIMEOUT_SECONDS * 1000 };
      const video = await deps.parts.during(id, async () => {
        const part = await receivePart(deps.library, c.req.raw.body, { id, ...limits, clock: deps.clock });
        return admitUpload(deps, part, filename, user, first);
      });
      deps.hints.queue();
      c.header('location', `/api/media/videos/${video.id}`);
      return c.json(video, 201);
    });
  });
};
