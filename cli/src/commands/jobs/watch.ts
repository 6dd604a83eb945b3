import { isFinal, type Job, jobListSchema, type Pagination } from '@reelay/contracts';
import { terminalText } from '@reelay/runtime';
import type { Cli } from '../../cli.ts';
import { type ApiClient, understood } from '../../connection/api-client.ts';
import { live } from '../../connection/live.ts';
import { parseLive } from '../../connection/live-event.ts';
import { localTime } from '../../output/words.ts';
import { aboutJob } from './columns.ts';
import { listText, type ListOptions } from './list-text.ts';

const RETRY_FOR_MS = 5 * 60_000;
const LOOK_AGAIN_MS = 500;

/** Shows the page and then every change of it, until it is interrupted. @throws ApiRefusal, Unreachable */
export const watchJobs = async (cli: Cli, api: ApiClient, path: string, options: ListOptions): Promise<void> => {
  const list = new WatchedList(cli, api, path, options);
  const { clock } = cli.io;
  const events = live(api, '/api/media/events?topics=jobs', { clock, retryForMs: RETRY_FOR_MS, onInterrupted: (why) => cli.printer.note(`${why}; trying again`) });
  for await (const message of events) {
    if (message.kind === 'opened') await list.load();
    else {
      const event = parseLive(message.event, message.data);
      if (event?.event === 'job') list.changed(event.data.job);
      else if (event?.event === 'progress') list.progressed(event.data.jobId, event.data.percent, event.data.message);
      else if (event?.event === 'reset') await list.load();
    }
  }
};

const fits = <T>(wanted: T | undefined, is: T | null): boolean => wanted === undefined || wanted === is;

/** The jobs on the screen. A terminal shows the table anew; elsewhere each change is a line. */
class WatchedList {
  readonly #cli: Cli;
  readonly #api: ApiClient;
  readonly #path: string;
  readonly #filter: ListOptions;
  #jobs = new Map<string, Job>();
  #pagination: Pagination = { page: 1, limit: 0, total: 0, totalPages: 0 };
  #willLook = false;

  constructor(cli: Cli, api: ApiClient, path: string, filter: ListOptions) {
    this.#cli = cli;
    this.#api = api;
    this.#path = path;
    this.#filter = filter;
  }

  async load(): Promise<void> {
    const { data, pagination } = understood(jobListSchema, await this.#api.get(this.#path));
    const before = this.#jobs;
    this.#jobs = new Map(data.map((job) => [job.id, job]));
    this.#pagination = pagination;
    if (this.#redraws) this.#draw();
    else for (const job of data.toReversed()) if (before.get(job.id)?.rev !== job.rev) this.#tell(job);
  }

  changed(job: Job): void {
    const known = this.#jobs.get(job.id);
    if (known !== undefined && known.rev > job.rev) return;
    if (known === undefined && !this.#mayBelong(job)) return;
    if (!this.#redraws) {
      this.#jobs.set(job.id, job);
      this.#tell(job);
      return;
    }
    if (known !== undefined) this.#jobs.set(job.id, job);
    // Which jobs are on the page, and in which order, the gateway knows.
    this.#lookAgain();
  }

  progressed(id: string, percent: number, message: string): void {
    const known = this.#jobs.get(id);
    if (known === undefined) return;
    this.#jobs.set(id, { ...known, progress: Math.floor(percent), statusMessage: message || known.statusMessage });
    if (this.#redraws) this.#draw();
  }

  get #redraws(): boolean {
    return this.#cli.printer.isLive && !this.#cli.json;
  }

  #mayBelong(job: Job): boolean {
    const { status, type, category, video, createdBy, node, search } = this.#filter;
    return (status?.includes(job.status) ?? true) && (type?.includes(job.type) ?? true) && search === undefined
      && fits(category, job.resourceCategory) && fits(video, job.videoId) && fits(createdBy, job.createdBy) && fits(node, job.nodeId);
  }

  #lookAgain(): void {
    if (this.#willLook) return;
    this.#willLook = true;
    this.#cli.io.clock.after(LOOK_AGAIN_MS, () => {
      this.#willLook = false;
      // Whatever hinders it ends or renews the stream as well, and that is told.
      this.load().catch(() => {});
    });
  }

  #draw(): void {
    this.#cli.printer.screen(listText(this.#cli, { data: [...this.#jobs.values()], pagination: this.#pagination }));
  }

  #tell(job: Job): void {
    if (this.#cli.json) this.#cli.printer.jsonLine(job);
    else this.#cli.printer.line(terminalText([localTime(this.#cli.io.clock.now().toISOString()), job.id, job.type, job.status, `${job.progress} %`, aboutJob(job)].join('  ').trimEnd()));
    if (isFinal(job.status)) this.#jobs.delete(job.id);
  }
}
