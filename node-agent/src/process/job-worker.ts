import type { JobOutcome, WorkOrder } from '@reelay/contracts';
import type { Clock, Ctx, Logger } from '@reelay/runtime';
import { type Exit, LineSplitter, type Proc, type ResourceLimits, type Supervisor } from '@reelay/runtime/supervisor';
import { readSteadily } from './read-steadily.ts';
import { type FromJob, fromJobSchema, type JobContext, MAX_LINE_CHARS, type ToJob } from './protocol.ts';

export interface WorkerOptions {
  supervisor: Supervisor;
  clock: Clock;
  logger: Logger;
  /** The bundled job process. */
  program: string;
  graceMs: number;
  limits: ResourceLimits;
}

/** What a process works for that has no order yet. */
export const WAITING = 'waiting for a job';

/** How a job's process ended, and what it said last. */
export interface WorkerEnd {
  exit: Exit;
  pid: number;
  /** Null when it ended without saying how the job went. */
  outcome: JobOutcome | null;
  stderrTail: string;
}

/** When memory is short, a job goes before the agent does. */
const OOM_SCORE_ADJ = 500;

/** One job's process, seen from the agent. */
export class JobWorker {
  /** Resolves when the process and all it started are gone; never rejects. */
  readonly ended: Promise<WorkerEnd>;
  readonly #proc: Proc;
  readonly #logger: Logger;
  readonly #clock: Clock;
  #onMessage: (message: FromJob) => void = () => {};
  #outcome: JobOutcome | null = null;

  constructor(ctx: Ctx, { supervisor, clock, logger, program, graceMs, limits }: WorkerOptions) {
    this.#logger = logger;
    this.#clock = clock;
    this.#proc = supervisor.spawn(ctx, {
      name: 'job process', argv0: process.execPath, args: ['--enable-source-maps', program], group: 'own', stdin: 'pipe', stdout: 'pipe', graceMs, oomScoreAdj: OOM_SCORE_ADJ,
      // As long as it waits there is nothing to gain by ending it.
      kind: 'service', owner: WAITING, limits,
    });
    this.ended = this.#listen();
  }

  get alive(): boolean {
    return this.#proc.alive;
  }

  get pid(): number {
    return this.#proc.pid;
  }

  /** `<pid>-<start>`: no later process has it. */
  get processId(): string {
    return this.#proc.id;
  }

  /** Hands over the one order this process serves. */
  give(order: WorkOrder, context: JobContext, onMessage: (message: FromJob) => void): void {
    this.#onMessage = onMessage;
    this.#proc.assign({ kind: 'batch', owner: `job ${order.jobId}/${order.epoch}`, file: (order.inputs[0] ?? order.outputs[0])?.path ?? null });
    this.#tell({ kind: 'order', order, context });
  }

  tellStarted(): void {
    this.#tell({ kind: 'started' });
  }

  freeze(): boolean {
    return this.#proc.freeze();
  }

  thaw(): boolean {
    return this.#proc.thaw();
  }

  /** Ends it and all it started: TERM to the group, KILL after the grace. */
  terminate(cause: Error, graceMs?: number): Promise<WorkerEnd> {
    void this.#proc.terminate(cause, graceMs);
    return this.ended;
  }

  #tell(message: ToJob): void {
    if (this.#proc.alive) this.#proc.stdin.write(`${JSON.stringify(message)}\n`);
  }

  async #listen(): Promise<WorkerEnd> {
    const lines = new LineSplitter((line) => this.#receive(line), MAX_LINE_CHARS);
    const { stdout } = this.#proc;
    const closed = stdout.destroyed ? Promise.resolve() : new Promise<void>((resolve) => {
      stdout.once('close', resolve);
    });
    readSteadily(stdout, this.#clock, (chunk) => lines.push(chunk));
    const exit = await this.#proc.exit;
    if (exit.kind !== 'spawnError') await closed;
    return { exit, pid: this.pid, outcome: this.#outcome, stderrTail: this.#proc.stderrTail() };
  }

  #receive(line: string): void {
    const parsed = fromJobSchema.safeParse(jsonOf(line));
    if (!parsed.success) {
      this.#logger.error({ pid: this.pid, problem: parsed.error.issues[0]?.message }, 'a job process sent a message that is not valid');
      return;
    }
    if (parsed.data.kind === 'done') this.#outcome ??= parsed.data.outcome;
    this.#onMessage(parsed.data);
  }
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
