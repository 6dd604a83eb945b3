import type { Job } from '@reelay/contracts';
import { type JobView, type Queryable, readJobView, toJob } from '@reelay/store';
import type { GatewayDeps } from '../deps.ts';
import { HttpProblem } from '../http/problem.ts';

/** A job as the API shows it, live progress included. */
export const showJob = (deps: Pick<GatewayDeps, 'live' | 'clock'>, view: JobView): Job =>
  toJob(view, { ...view, live: deps.live.get(view.id) }, deps.clock.now());

/** The job, if the scope shows it. @throws HttpProblem job_not_found */
export const jobOr404 = async (sql: Queryable, id: string, scope: { createdBy?: string | undefined }): Promise<JobView> => {
  const view = await readJobView(sql, id, scope);
  if (view === null) throw new HttpProblem('job_not_found', `There is no job ${id}`);
  return view;
};
