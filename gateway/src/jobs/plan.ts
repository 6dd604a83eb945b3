import { CATALOGUE, type CreateJobRequest, createJobRequest, type JobType } from '@reelay/contracts';
import { encodedPath } from '@reelay/job-types/hub';
import type { LibraryRoot } from '@reelay/runtime';
import { type NewJobRow, readVideoPaths, type Sql } from '@reelay/store';
import { HttpProblem, refusedBySchema } from '../http/problem.ts';
import { refuseUnstorable } from '../http/storable.ts';
import { checkPaths } from './paths.ts';

/** A request that passed its schemas; whether its video and files exist is not looked at yet. */
interface Checked {
  request: CreateJobRequest;
  params: Record<string, unknown>;
}

export interface PlanningDeps {
  sql: Sql;
  library: LibraryRoot;
  newId: () => string;
}

export type PlanResult = { kind: 'job'; row: NewJobRow } | { kind: 'refused'; problem: HttpProblem };

/** @throws HttpProblem */
const check = (entry: unknown): Checked => {
  refuseUnstorable(entry);
  const parsed = createJobRequest.safeParse(entry);
  if (!parsed.success) throw refusedBySchema(parsed.error);
  const request = parsed.data;
  const type = CATALOGUE[request.type];
  if (!type.available) throw new HttpProblem('type_unavailable', `Jobs of type ${request.type} are not in this release`);
  if (request.resourceCategory !== undefined && request.resourceCategory !== type.category) {
    throw new HttpProblem('category_mismatch', `Jobs of type ${request.type} belong to ${type.category}, not to ${request.resourceCategory}`, {
      errors: [{ path: 'resourceCategory', message: `must be ${type.category}` }],
    });
  }
  const params = type.params.safeParse(request.params);
  if (!params.success) throw refusedBySchema(params.error, ['params']);
  return { request, params: params.data };
};

/** Video ids that the parameters name. */
const videoIdsOf = (params: Record<string, unknown>): string[] => [
  ...(typeof params.videoId === 'string' ? [params.videoId.toLowerCase()] : []),
  ...(Array.isArray(params.videoIds) ? params.videoIds.filter((id): id is string => typeof id === 'string').map((id) => id.toLowerCase()) : []),
];

/** The files of a re-encode, as its creator finds them in the answer; a later change of the video's path counts all the same. */
const withFiles = (type: JobType, params: Record<string, unknown>, paths: ReadonlyMap<string, string>): Record<string, unknown> => {
  if (type !== 'reencode_streaming') return params;
  const inputPath = typeof params.videoId === 'string' ? paths.get(params.videoId.toLowerCase()) : params.inputPath;
  return typeof inputPath === 'string' ? { ...params, inputPath, outputPath: params.outputPath ?? encodedPath(inputPath) } : params;
};

/** Checks requests for jobs, each by itself; the result has the order of the requests. */
export const planJobs = async (deps: PlanningDeps, entries: readonly unknown[], createdBy: string): Promise<PlanResult[]> => {
  const checked = entries.map((entry): Checked | HttpProblem => {
    try {
      return check(entry);
    } catch (error) {
      if (error instanceof HttpProblem) return error;
      throw error;
    }
  });
  const named = checked.flatMap((entry) => (entry instanceof HttpProblem ? [] : videoIdsOf(entry.params)));
  const paths = await readVideoPaths(deps.sql, [...new Set(named)]);
  return Promise.all(checked.map(async (entry): Promise<PlanResult> => {
    try {
      if (entry instanceof HttpProblem) throw entry;
      const gone = videoIdsOf(entry.params).find((id) => !paths.has(id));
      if (gone !== undefined) throw new HttpProblem('video_not_found', 'Video not found', { errors: [{ path: 'params.videoId', message: `there is no video ${gone}` }] });
      await checkPaths(deps.library, entry.params);
      const { type, priority, vramRequired, maxRetries, labels } = entry.request;
      return { kind: 'job', row: { id: deps.newId(), type, params: withFiles(type, entry.params, paths), priority, vramRequired, maxRetries, labels, createdBy } };
    } catch (error) {
      if (error instanceof HttpProblem) return { kind: 'refused', problem: error };
      throw error;
    }
  }));
};
