import { hubJobType, type Prepared } from '@reelay/job-types/hub';
import { delay } from '@reelay/runtime';
import { grantReads, type JobRow } from '@reelay/store';
import { type Deps, hubEnvironment } from '../deps.ts';
import { hubJob } from './order.ts';

/** Somebody renames, moves or deletes an input, or waits to: the attempt is offered later. Says nothing about the job. */
class InputsBusy extends Error {
  readonly code = 'inputs_busy';
  constructor(jobId: string) {
    super(`an input of job ${jobId} is being moved, or waited for`);
    this.name = 'InputsBusy';
  }
}

/** A rename takes milliseconds; whoever waits for readers takes longer. */
const TRIES = 10;
const PAUSE_MS = 100;

/** What the type wants for an attempt. @throws JobRefused */
export const prepare = ({ sql, ...deps }: Deps, job: JobRow): Promise<Prepared> =>
  hubJobType(job.type).prepare(sql, hubJob(job), hubEnvironment(deps));

/**
 * As prepare, and makes the attempt a reader of its inputs, which lie where they were found until it ends: what was
 * prepared from a place that a file has left meanwhile is prepared again. @throws JobRefused, InputsBusy
 */
export const prepareReading = async (deps: Deps, job: JobRow): Promise<Prepared> => {
  for (let tried = 1; tried <= TRIES; tried += 1) {
    const prepared = await prepare(deps, job);
    if (prepared.inputs.length === 0) return prepared;
    const answer = await grantReads(deps.sql, { jobId: job.id, epoch: job.epoch }, prepared.inputs);
    // Of an attempt that is over the order goes nowhere: its node refuses it.
    if (answer === 'held' || answer === 'stale') return prepared;
    if (answer === 'blocked') await delay(deps.clock, PAUSE_MS);
  }
  throw new InputsBusy(job.id);
};
