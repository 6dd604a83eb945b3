/** The agent's half of a job type: the work itself, in the job's own process, without a database. */
import type { ProducedFile, WorkOrder } from '@reelay/contracts';

export interface ProgressReport {
  /** 0–100 of the whole job. */
  percent: number;
  /** One word: probing, encoding, checking … */
  phase: string;
  /** One sentence. */
  message: string;
  fps?: number | null;
  speed?: number | null;
  etaSeconds?: number | null;
}

export interface FfmpegRun {
  /** Arguments after the common ones (-nostdin -hide_banner, protocol whitelist, -progress). */
  args: string[];
  /** Seconds of output expected, for the percentage; null when unknown. */
  durationSeconds: number | null;
  /** The part of the whole job this run stands for, in percent. */
  from: number;
  to: number;
  phase: string;
  /** Ended and failed after this long, without harm to the job. */
  limitMs?: number;
  /** Lines of stdout, for runs that print what they find. */
  onLine?: (line: string) => void;
  /** Lines of stderr (warnings and errors), besides the job's log. */
  onDiagnostic?: (line: string) => void;
}

/** All that `execute` may use. Every call rejects with the cause once the attempt is being ended. */
export interface JobRun {
  readonly order: WorkOrder;
  readonly signal: AbortSignal;
  /** Absolute path of the library when the agent mounts the hub's one, else null. */
  readonly libraryRoot: string | null;
  /** H.264 encoder chosen by the agent's trial encodes, e.g. `libx264` or `h264_nvenc`. */
  readonly encoder: string;
  /** GPU index for the encoder; null on the software device. */
  readonly gpuIndex: number | null;
  /** Absolute path of a file to read: the library's own when it is the same file, else a fetched copy. */
  input(name: string): Promise<string>;
  /** Absolute path to write output `name` to; published by the hub when the job completes. */
  output(name: string): Promise<string>;
  /** Fsyncs and reports a written output; without the library mounted it is sent to the gateway. */
  produced(name: string): Promise<ProducedFile>;
  /** A folder of this attempt, removed when it ends. */
  scratch(): Promise<string>;
  log(text: string): void;
  progress(report: ProgressReport): void;
  /** Runs ffmpeg to its end. @throws JobFailed with a diagnosed code when it does not exit with 0. */
  ffmpeg(run: FfmpegRun): Promise<void>;
  /** Runs ffprobe; resolves with stdout. `onLine` streams instead of collecting. @throws JobFailed */
  ffprobe(args: string[], options?: { onLine?: (line: string) => void; maxBytes?: number }): Promise<string>;
  /** Sends an effect batch (≤ 512 KB as JSON) and resolves with the hub's reply; repeated until it is acknowledged. */
  effects(body: Record<string, unknown>): Promise<Record<string, unknown>>;
}

export interface Executed {
  files: ProducedFile[];
  /** For `apply`; ≤ 512 KB as JSON. */
  result: Record<string, unknown>;
}

export type Execute = (run: JobRun) => Promise<Executed>;

/** The work failed for a reason known by code. */
export class JobFailed extends Error {
  constructor(readonly code: string, message: string, readonly retryable: boolean, options?: ErrorOptions) {
    super(message, options);
    this.name = 'JobFailed';
  }
}
