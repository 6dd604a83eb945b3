import type { Job, User } from '@reelay/contracts';
import { createJobs, inTransaction, type NewJobRow, readJobViews, toJob } from '@reelay/store';
import type { GatewayDeps } from '../deps.ts';
import type { FirstAnswer } from './idempotency.ts';

/**
 * Creates jobs and shows them as they are in the same transaction, in the order given; `answer` makes the response's
 * body, which is kept for repeats of the request.
 */
export const createAndShow = async <T>(
  deps: GatewayDeps, rows: readonly NewJobRow[], user: User, first: FirstAnswer, answer: (jobs: Job[]) => T,
): Promise<T> => {
  const body = await inTransaction(deps.sql, async (tx) => {
    await createJobs(tx, rows, user.username);
    const views = new Map((await readJobViews(tx, rows.map((row) => row.id))).map((view) => [view.id, view]));
    const jobs = rows.flatMap((row) => {
      const view = views.get(row.id);
      return view === undefined ? [] : [toJob(view, view, deps.clock.now())];
    });
    const made = answer(jobs);
    await first.keep(tx, 201, made);
    return made;
  });
  deps.hints.queue();
  return body;
};
