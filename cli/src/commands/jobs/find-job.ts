import { jobListSchema } from '@reelay/contracts';
import type { Command } from 'commander';
import { type ApiClient, understood } from '../../connection/api-client.ts';
import { NotFound, UsageError } from '../../errors.ts';

const WHOLE_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const PREFIX = /^[0-9a-f-]{4,35}$/i;
const MOST = 100;

export const ID_HELP = 'id of the job, or its first characters (at least 4) when no other begins like it';

/** The whole id of a job that was named by it or by its beginning. @throws UsageError, NotFound, ApiRefusal */
export const findJobId = async (api: ApiClient, named: string): Promise<string> => {
  if (WHOLE_ID.test(named)) return named.toLowerCase();
  if (!PREFIX.test(named)) throw new UsageError(`${named}: is neither the id of a job nor the beginning of one (4 or more of its characters)`);
  const prefix = named.toLowerCase();
  const { data, pagination } = understood(jobListSchema, await api.get(`/api/media/jobs?limit=${MOST}&q=${encodeURIComponent(prefix)}`));
  const found = data.filter(({ id }) => id.startsWith(prefix));
  if (found.length > 1 || pagination.total > MOST) throw new UsageError(`${named}: ${found.length > 1 ? found.length : 'too many'} jobs begin like that; give more of the id`);
  const [job] = found;
  if (job === undefined) throw new NotFound(`There is no job ${named}…`);
  return job.id;
};

/** Adds the argument for one job or several. */
export const withJobIds = (command: Command): Command => command.argument('<id...>', ID_HELP);

/**
 * Does the same to each job named, one after the other; the first failure ends it. Answers what the API said: as it
 * is for one job, as a list for several.
 */
export const eachJob = async (api: ApiClient, named: readonly string[], act: (id: string) => Promise<unknown>): Promise<unknown> => {
  const answers: unknown[] = [];
  for (const one of named) answers.push(await act(await findJobId(api, one)));
  return answers.length === 1 ? answers[0] : answers;
};
