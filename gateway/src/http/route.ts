/** The small pieces from which every documented route is put together. */
import { problemSchema } from '@reelay/contracts';
import type { MiddlewareHandler } from 'hono';
import { z, type ZodError } from 'zod';
import { HttpProblem, refusedBySchema } from './problem.ts';
import { refuseUnstorable } from './storable.ts';
import type { AppEnv } from './env.ts';

export const json = <T extends z.ZodType>(schema: T, description: string) => ({ content: { 'application/json': { schema } }, description });
const problem = (description: string) => ({ content: { 'application/problem+json': { schema: problemSchema } }, description });
/** Every route may answer with a problem. */
export const problems = { '4XX': problem('The request was refused; `code` says why'), '5XX': problem('The server could not answer') };
export const jsonBody = <T extends z.ZodType>(schema: T) => ({ content: { 'application/json': { schema } }, required: true as const });
export const optionalJsonBody = <T extends z.ZodType>(schema: T) => ({ content: { 'application/json': { schema } }, required: false as const });
export const idParam = z.object({ id: z.string().meta({ description: 'UUID' }) });
/** A video's addresses; with a token in front they open without signing in. */
export const VIDEO_ROOTS = [
  { at: '/api/media/videos/{id}', params: idParam },
  { at: '/s/{token}/api/media/videos/{id}', params: idParam.extend({ token: z.string().meta({ description: 'From `signedFileUrl` or `signedMasterUrl` of the playback' }) }) },
] as const;
export const noQuery = z.strictObject({});
export const idempotencyHeader = z.object({
  'idempotency-key': z.string().min(1).max(200).optional().meta({ description: 'A repeat with the same key gets the first answer and makes nothing new' }),
});

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** An id from a path. @throws HttpProblem `code` (404) when it cannot be the id of anything */
export const uuidOr404 = (id: string, code: 'job_not_found' | 'video_not_found' | 'user_not_found' | 'token_not_found'): string => {
  if (!UUID.test(id)) throw new HttpProblem(code, `There is nothing with the id ${id.slice(0, 64)}`);
  return id.toLowerCase();
};

interface Checked {
  success: boolean;
  error?: ZodError;
  data?: unknown;
  target?: string;
}
/** Bulk creation tells bad text by entry; an upload makes a name of it that can be stored. */
const JUDGE_TEXT_THEMSELVES = /^\/api\/media\/(jobs\/bulk|videos\/upload)$/;

/** What every route does before its handler runs. Ids in paths are compared, never stored. */
export const refuseInvalid = (result: Checked, c: { req: { path: string } }): undefined => {
  if (!result.success && result.error !== undefined) throw refusedBySchema(result.error);
  if ((result.target === 'json' || result.target === 'query') && !JUDGE_TEXT_THEMSELVES.test(c.req.path)) refuseUnstorable(result.data);
};

/** Lets a client send no body where every field is optional, even when it announces JSON. */
export const emptyBodyAsObject: MiddlewareHandler<AppEnv> = async function emptyBodyAsObject(c, next) {
  if (c.req.header('content-type') !== undefined && (await c.req.text()) === '') c.req.raw.headers.delete('content-type');
  await next();
};
