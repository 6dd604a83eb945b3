import { type FfmpegRun, INPUT_GUARD, JobFailed } from '@reelay/job-types/agent';
import { type Clock, type Ctx, diagnose, type FfmpegProgress, findHiddenFailure, ProgressParser } from '@reelay/runtime';
import { type Exit, LineSplitter, type Proc, type Supervisor } from '@reelay/runtime/supervisor';
import { watchReads } from './activity.ts';
import type { Emitter } from './emitter.ts';

export interface MediaToolsOptions {
  ctx: Ctx;
  supervisor: Supervisor;
  clock: Clock;
  emitter: Emitter;
  ffmpegPath: string;
  ffprobePath: string;
  killGraceMs: number;
}

const COMMON_ARGS = ['-nostdin', '-hide_banner', '-y', '-loglevel', 'warning', '-nostats', '-progress', 'pipe:3', '-stats_period', '0.5'];
/**
 * From TERM to KILL for a tool whose attempt is being ended: its part file is thrown away, so its tidy end is worth
 * nothing. With a slow preset ffmpeg first encodes all frames it holds back: 3.4 s measured (720p, preset slow).
 */
const DISCARD_GRACE_MS = 50;
const MAX_LOGGED_LINES = 100;
const DEFAULT_MAX_BYTES = 16 * 1024 * 1024;
/** 125: orphaned at birth; 126, 127: the program or one of its libraries cannot be loaded. */
const NOT_RUN: ReadonlySet<number> = new Set([125, 126, 127]);
const NOT_RETRYABLE: ReadonlySet<string> = new Set([
  'moov_missing', 'invalid_data', 'codec_unsupported', 'container_unsupported', 'stream_missing', 'option_unsupported', 'encoder_missing', 'invalid_path',
]);

/** ffmpeg and ffprobe for one attempt: in the group of the job's process, ending with it. */
export class MediaTools {
  readonly #options: MediaToolsOptions;

  constructor(options: MediaToolsOptions) {
    this.#options = options;
  }

  /** @throws JobFailed, or the cause of the cancel */
  async ffmpeg(run: FfmpegRun): Promise<void> {
    const { ctx: parent, supervisor, emitter, ffmpegPath, killGraceMs, clock } = this.#options;
    const ctx = run.limitMs === undefined ? parent : parent.withTimeout(run.limitMs, clock);
    emitter.log(`FFmpeg command: ffmpeg ${run.args.map(quote).join(' ')}`);
    const diagnostics = new DiagnosticLog(emitter);
    const proc = supervisor.spawn(ctx, {
      name: 'ffmpeg', argv0: ffmpegPath, args: [...COMMON_ARGS, ...guardInputs(run.args)], group: 'inherit', extraPipes: 1, graceMs: Math.min(killGraceMs, DISCARD_GRACE_MS),
      stdout: run.onLine ? 'pipe' : 'ignore',
      onStderrLine: (line) => {
        run.onDiagnostic?.(line);
        diagnostics.line(line);
      },
    });
    const parser = new ProgressParser();
    const meter = new ProgressMeter(run, emitter);
    proc.pipes[0]?.on('data', (chunk: Buffer) => {
      for (const report of parser.push(chunk.toString('latin1'))) meter.report(report);
    });
    const exit = await this.#finish(proc, run.onLine).finally(() => {
      if (ctx !== parent) ctx.end();
    });
    diagnostics.end();
    this.#check('ffmpeg', proc, exit);
    emitter.progress({ percent: run.to, phase: run.phase, message: 'Done', fps: null, speed: null, etaSeconds: null });
  }

  /** @throws JobFailed, or the cause of the cancel */
  async ffprobe(args: readonly string[], options: { onLine?: (line: string) => void; maxBytes?: number } = {}): Promise<string> {
    const { ctx, supervisor, ffprobePath, killGraceMs, emitter } = this.#options;
    const { onLine, maxBytes = DEFAULT_MAX_BYTES } = options;
    const proc = supervisor.spawn(ctx, {
      name: 'ffprobe', argv0: ffprobePath, args: ['-hide_banner', ...INPUT_GUARD, ...args], group: 'inherit', stdout: 'pipe', graceMs: Math.min(killGraceMs, DISCARD_GRACE_MS),
    });
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    if (!onLine) {
      proc.stdout.on('data', (chunk: Buffer) => {
        sizeBytes += chunk.length;
        if (sizeBytes <= maxBytes) chunks.push(chunk);
      });
    }
    const exit = await this.#finish(proc, onLine && ((line) => {
      emitter.alive();
      onLine(line);
    }));
    this.#check('ffprobe', proc, exit);
    if (sizeBytes > maxBytes) throw new JobFailed('probe_too_large', 'The file describes itself with more data than is sensible.', false);
    return Buffer.concat(chunks).toString('utf8');
  }

  /** Waits for the exit and for the last of stdout, which may lag behind on a busy host. */
  async #finish(proc: Proc, onLine: ((line: string) => void) | undefined): Promise<Exit> {
    const { clock, emitter } = this.#options;
    const lines = onLine ? new LineSplitter(onLine) : undefined;
    const closed = proc.stdout.destroyed ? Promise.resolve() : new Promise<void>((resolve) => {
      proc.stdout.once('close', resolve);
    });
    if (lines) proc.stdout.on('data', (chunk: Buffer) => lines.push(chunk));
    const endWatch = watchReads(clock, proc.pid, () => emitter.alive());
    try {
      const exit = await proc.exit;
      if (exit.kind !== 'spawnError') await closed;
      lines?.end();
      return exit;
    } finally {
      endWatch();
    }
  }

  #check(tool: 'ffmpeg' | 'ffprobe', proc: Proc, exit: Exit): void {
    this.#options.ctx.throwIfCancelled();
    const said = proc.stderrTail();
    if (exit.kind === 'code' && exit.code === 0) {
      const hidden = tool === 'ffmpeg' ? findHiddenFailure(said) : null;
      if (hidden) throw new JobFailed(hidden.code, hidden.message, !NOT_RETRYABLE.has(hidden.code));
      return;
    }
    if (exit.kind === 'spawnError' || (exit.kind === 'code' && NOT_RUN.has(exit.code))) {
      throw new JobFailed('spawn_failed', `${tool} cannot be started on this node.`, true);
    }
    if (/not on whitelist/i.test(said)) throw new JobFailed('invalid_data', 'The file is not a media file, but a playlist, a picture or a text.', false);
    const { code, message } = diagnose(said, exit);
    throw new JobFailed(code, message.replace(/^ffmpeg failed/, `${tool} failed`).replace(/file:\/.*: /, ''), !NOT_RETRYABLE.has(code));
  }
}

/** Puts the guard before every input. */
function guardInputs(args: readonly string[]): string[] {
  return args.flatMap((arg) => (arg === '-i' ? [...INPUT_GUARD, arg] : [arg]));
}

const quote = (arg: string): string => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", String.raw`'\''`)}'`);

/** ffmpeg's complaints in the job's log, each once (its threads repeat them); beyond a hundred they are counted. */
class DiagnosticLog {
  readonly #emitter: Emitter;
  readonly #said = new Set<string>();
  #unlogged = 0;

  constructor(emitter: Emitter) {
    this.#emitter = emitter;
  }

  line(text: string): void {
    const message = text.replaceAll(/ @ 0x[0-9a-f]+/g, '');
    if (this.#said.has(message)) return;
    if (this.#said.size >= MAX_LOGGED_LINES) {
      this.#unlogged += 1;
      return;
    }
    this.#said.add(message);
    this.#emitter.log(message, 'ffmpeg');
  }

  end(): void {
    if (this.#unlogged > 0) this.#emitter.log(`… and ${this.#unlogged} more lines`, 'ffmpeg');
  }
}

/** Turns ffmpeg's reports into progress of the job; a report in which nothing moved is none. */
class ProgressMeter {
  readonly #run: FfmpegRun;
  readonly #emitter: Emitter;
  #moved = '';

  constructor(run: FfmpegRun, emitter: Emitter) {
    this.#run = run;
    this.#emitter = emitter;
  }

  report({ outTimeMs, frame, fps, speed, totalSizeBytes }: FfmpegProgress): void {
    const moved = `${outTimeMs}|${frame}|${totalSizeBytes}`;
    if (moved === this.#moved) return;
    this.#moved = moved;
    const { durationSeconds, from, to, phase } = this.#run;
    const doneSeconds = (outTimeMs ?? 0) / 1000;
    const share = durationSeconds ? Math.min(1, doneSeconds / durationSeconds) : 0;
    const leftSeconds = durationSeconds && speed ? Math.max(0, durationSeconds - doneSeconds) / speed : null;
    this.#emitter.alive();
    this.#emitter.progress({
      percent: from + (to - from) * share, phase, fps, speed, etaSeconds: leftSeconds,
      message: durationSeconds ? `${doneSeconds.toFixed(1)} of ${durationSeconds.toFixed(1)} s` : `${doneSeconds.toFixed(1)} s`,
    });
  }
}
