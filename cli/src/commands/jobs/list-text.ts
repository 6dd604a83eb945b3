import type { Job, Pagination } from '@reelay/contracts';
import type { Cli } from '../../cli.ts';
import { count } from '../../output/words.ts';
import { jobColumns } from './columns.ts';

/** What `jobs ls` was asked for. */
export interface ListOptions {
  status?: string[];
  type?: string[];
  category?: string;
  search?: string;
  node?: string;
  video?: string;
  createdBy?: string;
  sort: string;
  page: number;
  limit: number;
  watch?: true;
}

/** A page of jobs as a table, with how many there are. */
export const listText = (cli: Cli, { data, pagination }: { data: Job[]; pagination: Pagination }): string => {
  if (data.length === 0) return pagination.total === 0 ? 'No jobs.' : `No jobs on page ${pagination.page} of ${pagination.totalPages}.`;
  const more = pagination.totalPages > 1 ? `\n${cli.printer.style('dim', `page ${pagination.page} of ${pagination.totalPages}, ${count(pagination.total, 'job')}`)}` : '';
  return cli.printer.tableText(jobColumns(cli.io.clock.now()), data) + more;
};
