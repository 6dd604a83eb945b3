import { z } from 'zod';

/** RFC 9457 problem; `error` repeats `detail` for clients of the job-queue document. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  error: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  requestId: z.string(),
});
export type Problem = z.infer<typeof problemSchema>;

/** Each error code of the HTTP API with its status and title. Clients branch on the code. */
export const PROBLEMS = {
  invalid_request: [400, 'The request is not valid'],
  malformed_json: [400, 'The body is not JSON'],
  unauthenticated: [401, 'Sign in first'],
  bad_credentials: [401, 'Wrong user name or password'],
  csrf_header_missing: [403, 'A header is missing'],
  forbidden: [403, 'Not allowed for this role'],
  not_found: [404, 'Not found'],
  job_not_found: [404, 'Job not found'],
  video_not_found: [404, 'Video not found'],
  node_not_found: [404, 'Node not found'],
  upload_not_found: [404, 'Upload not found'],
  user_not_found: [404, 'User not found'],
  token_not_found: [404, 'Token not found'],
  process_gone: [404, 'The process is gone'],
  segment_not_found: [404, 'Segment not found'],
  file_missing: [404, 'The file is not there'],
  method_not_allowed: [405, 'Method not allowed'],
  job_state_conflict: [409, 'The job is in another state'],
  idempotency_conflict: [409, 'This Idempotency-Key was used for another request'],
  file_in_use: [409, 'The file is in use'],
  name_taken: [409, 'The name is taken'],
  last_super_admin: [409, 'The last SUPER_ADMIN must stay'],
  source_changed: [409, 'The file changed'],
  stale_attempt: [409, 'The attempt is not the current one'],
  upload_conflict: [409, 'The upload is at another offset, or in use'],
  version_gone: [410, 'This version is gone'],
  body_too_large: [413, 'The body is too large'],
  unsupported_media_type: [415, 'Unsupported media type'],
  range_not_satisfiable: [416, 'Range not satisfiable'],
  unknown_parameter: [422, 'Unknown parameter'],
  invalid_parameter: [422, 'A parameter is not valid'],
  category_mismatch: [422, 'The category is not the type\'s'],
  type_unavailable: [422, 'This job type is not in this release'],
  effects_refused: [422, 'The result of the attempt was refused'],
  not_playable: [422, 'The video cannot be played'],
  rate_limited: [429, 'Too many attempts'],
  internal: [500, 'Something went wrong here'],
  unavailable: [503, 'Not available at the moment'],
  node_unreachable: [503, 'The node does not answer'],
  storage_full: [507, 'The storage is full'],
} as const satisfies Record<string, readonly [number, string]>;
export type ProblemCode = keyof typeof PROBLEMS;
