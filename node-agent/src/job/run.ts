import { mkdir } from 'node:fs/promises';
import type { InputFile, JobOutcome, OutputFile, ProducedFile, WorkOrder } from '@reelay/contracts';
import { AGENT_JOB_TYPES, type FfmpegRun, JobFailed, type JobRun, type ProgressReport } from '@reelay/job-types/agent';
import { type Clock, type Ctx, errorCode, PathOutsideLibrary, toError } from '@reelay/runtime';
import type { Supervisor } from '@reelay/runtime/supervisor';
import type { JobContext } from '../process/protocol.ts';
import { Effects } from './effects.ts';
import type { Emitter } from './emitter.ts';
import { Inputs, SOURCE_MOVED } from './inputs.ts';
import { MediaTools } from './media-tools.ts';
import { Outputs } from './outputs.ts';

export interface RunOptions {
  order: WorkOrder;
  context: JobContext;
  ctx: Ctx;
  supervisor: Supervisor;
  clock: Clock;
  emitter: Emitter;
  /** Resolves when the hub knows that the attempt runs. */
  started: Promise<void>;
}

/** What `execute` works with, inside the job's process. */
class ProcessRun implements JobRun {
  readonly order: WorkOrder;
  readonly signal: AbortSignal;
  readonly libraryRoot: string | null;
  readonly encoder: string;
  readonly gpuIndex: number | null;
  readonly #emitter: Emitter;
  readonly #scratchDir: string;
  readonly #inputs: Inputs;
  readonly #outputs: Outputs;
  readonly #effects: Effects;
  readonly #tools: MediaTools;

  constructor({ order, context, ctx, supervisor, clock, emitter, started }: RunOptions) {
    this.order = order;
    this.signal = ctx.signal;
    this.libraryRoot = context.libraryRoot;
    this.encoder = context.encoder;
    this.gpuIndex = context.gpuIndex;
    this.#emitter = emitter;
    this.#scratchDir = context.scratchDir;
    const shared = { ...context, clock, signal: ctx.signal, started, log: (text: string) => emitter.log(text), alive: () => emitter.alive() };
    this.#inputs = new Inputs(shared);
    this.#outputs = new Outputs(shared);
    this.#effects = new Effects({ ...shared, url: context.gatewayUrl + order.effectsUrl });
    this.#tools = new MediaTools({ ...context, ctx, supervisor, clock, emitter });
  }

  input(name: string): Promise<string> {
    return this.#inputs.path(named<InputFile>(this.order.inputs, name));
  }

  output(name: string): Promise<string> {
    return this.#outputs.path(named<OutputFile>(this.order.outputs, name));
  }

  produced(name: string): Promise<ProducedFile> {
    return this.#outputs.produced(named<OutputFile>(this.order.outputs, name));
  }

  async scratch(): Promise<string> {
    await mkdir(this.#scratchDir, { recursive: true });
    return this.#scratchDir;
  }

  log(text: string): void {
    this.#emitter.log(text);
  }

  progress(report: ProgressReport): void {
    this.#emitter.alive();
    this.#emitter.progress({ fps: null, speed: null, etaSeconds: null, ...report });
  }

  ffmpeg(run: FfmpegRun): Promise<void> {
    return this.#tools.ffmpeg(run);
  }

  ffprobe(args: string[], options?: { onLine?: (line: string) => void; maxBytes?: number }): Promise<string> {
    return this.#tools.ffprobe(args, options);
  }

  effects(body: Record<string, unknown>): Promise<Record<string, unknown>> {
    return this.#effects.send(body);
  }

  /** @throws JobFailed source_changed */
  checkInputs(): Promise<void> {
    return this.#inputs.check();
  }

  /** What happened to the inputs that can explain a failure; null when nothing did. */
  explainFailure(): Promise<JobFailed | null> {
    return this.#inputs.explain();
  }

  close(): Promise<void> {
    return this.#inputs.close();
  }
}

function named<T extends { name: string }>(files: readonly T[], name: string): T {
  const file = files.find((candidate) => candidate.name === name);
  if (!file) throw new JobFailed('order_invalid', `The work order has no file named ${name}.`, false);
  return file;
}

const MAX_RESULT_BYTES = 512 * 1024;

/** Runs an order to its outcome. @throws the cause when the attempt is ended from outside */
export async function runOrder(options: RunOptions): Promise<JobOutcome> {
  const { order, ctx } = options;
  const run = new ProcessRun(options);
  try {
    const type = AGENT_JOB_TYPES[order.type];
    if (!type) throw new JobFailed('type_unavailable', `This node cannot run jobs of the type ${order.type}.`, false);
    const { files, result } = await type.execute(run);
    // Files were checked by themselves; facts about an input count only while it lies where it was looked at.
    if (files.length > 0 && type.effects === 'parts') await run.checkInputs();
    else await run.explainFailure().then(throwIfAny);
    const sizeBytes = Buffer.byteLength(JSON.stringify(result));
    if (sizeBytes > MAX_RESULT_BYTES) throw new JobFailed('result_too_large', `The result has ${sizeBytes} bytes; ${MAX_RESULT_BYTES} are allowed.`, false);
    return { kind: 'completed', files, result };
  } catch (thrown) {
    ctx.throwIfCancelled();
    const error = asFailure(thrown);
    // A file that changed or went under our hands explains any other failure.
    const cause = (await run.explainFailure()) ?? error;
    if (cause.code === SOURCE_MOVED) return { kind: 'released', reason: cause.message.slice(0, 500) };
    return { kind: 'failed', error: { code: cause.code.slice(0, 64), message: cause.message.slice(0, 2000), retryable: cause.retryable } };
  } finally {
    await run.close();
  }
}

const throwIfAny = (failure: JobFailed | null): void => {
  if (failure) throw failure;
};

const SYSTEM_FAILURES: Readonly<Record<string, readonly [string, string]>> = {
  ENOSPC: ['disk_full', 'There is no space left on the disk.'],
  EDQUOT: ['disk_full', 'The disk quota is used up.'],
  EACCES: ['permission_denied', 'A file could not be opened: permission denied.'],
  EROFS: ['read_only', 'The output lies on a read-only file system.'],
  ENOENT: ['file_not_found', 'A file that the job needs is gone.'],
  EIO: ['io_error', 'The disk or network failed while reading or writing.'],
};

function asFailure(thrown: unknown): JobFailed {
  if (thrown instanceof JobFailed) return thrown;
  const error = toError(thrown);
  if (error instanceof PathOutsideLibrary) return new JobFailed(error.code, error.message, false, { cause: error });
  const known = SYSTEM_FAILURES[errorCode(error) ?? ''];
  if (known) return new JobFailed(known[0], known[1], true, { cause: error });
  return new JobFailed(errorCode(error) ?? 'job_crashed', error.message, true, { cause: error });
}
