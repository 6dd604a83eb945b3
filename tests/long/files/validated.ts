/** What `validate` says of a file: the job's own code, with its tools run by hand. */
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fromBase64, decodePacketIndex, type IndexFacts, indexFactsSchema, type MediaInfo, mediaInfoSchema, type PacketIndex, type WorkOrder } from '@reelay/contracts';
import { AGENT_JOB_TYPES, INPUT_GUARD, JobFailed, type FfmpegRun, type JobRun } from '@reelay/job-types/agent';
import { diagnose, findHiddenFailure } from '@reelay/runtime';
import { FFMPEG, FFPROBE, tool, ToolFailed } from './tools.ts';

export interface Validated {
  readonly valid: boolean;
  /** Null for a valid one. */
  readonly reason: string | null;
  readonly media: MediaInfo | null;
  readonly facts: IndexFacts | null;
  readonly index: PacketIndex | null;
  readonly log: readonly string[];
}

const LIMIT_MS = 60_000;

/** @throws when the job fails: that is no verdict on a file */
export async function validated(path: string): Promise<Validated> {
  const scratch = await mkdtemp(join(tmpdir(), 'reelay-validated-'));
  try {
    const run = new ByHand(path, await stat(path), scratch);
    const result: Record<string, unknown> = (await AGENT_JOB_TYPES.validate?.execute(run))?.result ?? {};
    const media = result['media'] === null ? null : mediaInfoSchema.parse(result['media']);
    if (result['valid'] !== true) return { valid: false, reason: String(result['reason']), media, facts: null, index: null, log: run.lines };
    // Through its compact form and its schema, as it is stored.
    const index = await decodePacketIndex(Buffer.concat(run.parts));
    return { valid: true, reason: null, media, facts: indexFactsSchema.parse(JSON.parse(JSON.stringify(result['indexFacts']))), index, log: run.lines };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

class ByHand implements JobRun {
  readonly order: WorkOrder;
  readonly signal = new AbortController().signal;
  readonly libraryRoot = null;
  readonly encoder = 'libx264';
  readonly gpuIndex = null;
  readonly lines: string[] = [];
  readonly parts: Uint8Array[] = [];
  readonly #path: string;
  readonly #scratch: string;

  constructor(path: string, { size, mtimeMs, ino }: { size: number; mtimeMs: number; ino: number }, scratch: string) {
    this.#path = path;
    this.#scratch = scratch;
    const jobId = '00000000-0000-4000-8000-000000000000';
    this.order = {
      jobId, epoch: 1, type: 'validate', category: 'cpu', deviceId: 'cpu', vramMb: 0, leaseMs: 1, timeLimitMs: 1, stallMs: 1, effectsUrl: '',
      inputs: [{ name: 'source', path: basename(path), sizeBytes: size, mtimeMs, inode: String(ino), url: '' }],
      outputs: [{ name: 'subtitles', path: 's.vtt', partPath: 's.vtt.part', url: '', onConflict: 'rename' }], order: { videoId: jobId, deep: false, sidecars: [] },
    };
  }

  async input(): Promise<string> {
    return this.#path;
  }

  async output(name: string): Promise<string> {
    const path = join(this.#scratch, name);
    await writeFile(path, '');
    return path;
  }

  async produced(name: string): Promise<{ name: string; sizeBytes: number; mtimeMs: number; sha256: string }> {
    return { name, sizeBytes: (await stat(join(this.#scratch, name))).size, mtimeMs: 0, sha256: '' };
  }

  async scratch(): Promise<string> {
    return this.#scratch;
  }

  log(text: string): void {
    this.lines.push(text);
  }

  progress(): void {}

  async effects(body: Record<string, unknown>): Promise<Record<string, unknown>> {
    this.parts.push(fromBase64(String(body['data'])));
    return {};
  }

  async ffmpeg(run: FfmpegRun): Promise<void> {
    const guarded = run.args.flatMap((arg) => (arg === '-i' ? [...INPUT_GUARD, arg] : [arg]));
    const { stdout, stderr } = await this.#tool(FFMPEG, ['-nostdin', '-hide_banner', '-y', '-loglevel', 'warning', '-nostats', ...guarded]);
    const hidden = findHiddenFailure(stderr);
    if (hidden) throw new JobFailed(hidden.code, hidden.message, false);
    for (const line of stderr.split('\n')) if (line !== '') run.onDiagnostic?.(line);
    for (const line of stdout.split('\n')) if (line !== '') run.onLine?.(line);
  }

  async ffprobe(args: string[], options?: { onLine?: (line: string) => void }): Promise<string> {
    const { stdout } = await this.#tool(FFPROBE, ['-hide_banner', ...INPUT_GUARD, ...args]);
    for (const line of options?.onLine ? stdout.split('\n') : []) if (line !== '') options?.onLine?.(line);
    return stdout;
  }

  async #tool(program: string, args: string[]): Promise<{ stdout: string; stderr: string }> {
    try {
      const { stdout, stderr } = await tool(program, args, { limitMs: LIMIT_MS });
      return { stdout: stdout.toString(), stderr };
    } catch (error) {
      if (!(error instanceof ToolFailed) || error.exit === null) throw error;
      if (/not on whitelist/i.test(error.stderr)) throw new JobFailed('invalid_data', 'The file is not a media file, but a playlist, a picture or a text.', false);
      const { code, message } = diagnose(error.stderr, { kind: 'code', code: error.exit });
      throw new JobFailed(code, message, false);
    }
  }
}
