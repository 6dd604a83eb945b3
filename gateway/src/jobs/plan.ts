import { CATALOGUE, type CreateJobRequest, createJobRequest } from '@reelay/contracts';
import { errorCode, type LibraryRoot } from '@reelay/runtime';
import { missingVideoIds, type NewJobRow, type Sql } from '@reelay/store';
import { HttpProblem, refusedBySchema } from '../http/problem.ts';

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

/** Paths are looked up in the real file system, with symlinks followed. @throws HttpProblem */
const checkPaths = async (library: LibraryRoot, params: Record<string, unknown>): Promise<void> => {
  if (typeof params.inputPath === 'string') await checkPath('inputPath', () => library.resolveExisting(String(params.inputPath)));
  if (typeof params.outputPath === 'string') await checkPath('outputPath', () => library.resolveForCreate(String(params.outputPath)));
};

const checkPath = async (name: string, resolve: () => Promise<string>): Promise<void> => {
  try {
    await resolve();
  } catch (error) {
    const message = error instanceof Error ? error.message : 'is not a usable path';
    if (errorCode(error) === 'file_not_found') throw new HttpProblem('file_missing', `params.${name}: ${message}`, { cause: error });
    throw new HttpProblem('invalid_parameter', `params.${name}: ${message}`, { errors: [{ path: `params.${name}`, message }], cause: error });
  }
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
  const missing = await missingVideoIds(deps.sql, [...new Set(named)]);
  return Promise.all(checked.map(async (entry): Promise<PlanResult> => {
    try {
      if (entry instanceof HttpProblem) throw entry;
      const gone = videoIdsOf(entry.params).find((id) => missing.has(id));
      if (gone !== undefined) throw new HttpProblem('video_not_found', `There is no video ${gone}`);
      await checkPaths(deps.library, entry.params);
      const { type, priority, vramRequired, maxRetries, labels } = entry.request;
      return { kind: 'job', row: { id: deps.newId(), type, params: entry.params, priority, vramRequired, maxRetries, labels, createdBy } };
    } catch (error) {
      if (error instanceof HttpProblem) return { kind: 'refused', problem: error };
      throw error;
    }
  }));
};
