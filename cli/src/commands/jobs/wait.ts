import { isFinal, type Job, jobSchema, type LiveEvent } from '@reelay/contracts';
import type { Cli } from '../../cli.ts';
import { type ApiClient, understood } from '../../connection/api-client.ts';
import { live } from '../../connection/live.ts';
import { parseLive } from '../../connection/live-event.ts';
import { TimedOut } from '../../errors.ts';
import { EXIT } from '../../exit-codes.ts';
import { ProgressLine } from '../../output/progress-line.ts';
import { duration } from '../../output/words.ts';

const RETRY_FOR_MS = 5 * 60_000;

type Progress = Extract<LiveEvent, { event: 'progress' }>['data'];

const withProgress = (job: Job, { percent, phase, message, fps, speed, etaSeconds }: Progress): Job =>
  ({ ...job, progress: Math.floor(percent), phase, statusMessage: message, fps, speed, etaSeconds });

/** The job now and at each change, until it has ended. */
export async function* untilEnd(cli: Cli, api: ApiClient, id: string, options: { signal: AbortSignal; onInterrupted: (why: string) => void }): AsyncGenerator<Job> {
  let latest: Job | null = null;
  for await (const message of live(api, '/api/media/events?topics=jobs', { ...options, clock: cli.io.clock, retryForMs: RETRY_FOR_MS })) {
    const event = message.kind === 'opened' ? null : parseLive(message.event, message.data);
    // The stream stands, so nothing happens unseen after this answer.
    if (message.kind === 'opened' || event?.event === 'reset') latest = understood(jobSchema, await api.get(`/api/media/jobs/${id}`));
    else if (event?.event === 'job' && event.data.job.id === id && event.data.job.rev >= (latest?.rev ?? 0)) latest = event.data.job;
    else if (latest !== null && event?.event === 'progress' && event.data.jobId === id && event.data.epoch === latest.epoch) latest = withProgress(latest, event.data);
    else continue;
    yield latest;
    if (isFinal(latest.status)) return;
  }
}

const facts = (job: Job): string[] => [
  job.status === 'pending' ? (job.waitingReason ?? '') : '',
  job.fps === null ? '' : `${Math.round(job.fps)} fps`,
  job.speed === null ? '' : `${job.speed.toFixed(2)}x`,
  job.etaSeconds === null ? '' : `${duration(job.etaSeconds)} to go`,
].filter((part) => part !== '');

/** Shows how the job gets on, and ends as it ends. @throws TimedOut, ApiRefusal, Unreachable */
export const waitForJob = async (cli: Cli, api: ApiClient, job: Job, timeoutSeconds: number | undefined): Promise<void> => {
  const line = new ProgressLine(cli.io);
  const controller = new AbortController();
  const callOff = timeoutSeconds === undefined ? undefined : cli.io.clock.after(timeoutSeconds * 1000, () => controller.abort());
  let last: Job = job;
  try {
    for await (const now of untilEnd(cli, api, job.id, { signal: controller.signal, onInterrupted: (why) => line.note(`${why}; trying again`) })) {
      last = now;
      line.show(now.progress, `${now.type} ${now.status === 'running' ? (now.phase ?? now.status) : now.status}`, facts(now));
    }
  } finally {
    callOff?.();
    controller.abort();
    line.end();
  }
  if (!isFinal(last.status)) throw new TimedOut(`Job ${job.id} is ${last.status} after ${duration(timeoutSeconds ?? 0)}; it goes on (reelay jobs logs -f ${job.id})`);
  if (last.status !== 'completed') cli.exitCode = EXIT.jobFailed;
  const json = await api.get(`/api/media/jobs/${job.id}`);
  cli.show(json, () => cli.printer.line(`${last.id}  ${last.type} ${last.status}${last.errorMessage === null ? '' : `: ${last.errorMessage}`}`));
};
