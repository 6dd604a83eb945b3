import type { ChildProcess } from 'node:child_process';
import { type Duplex, PassThrough, type Readable, type Writable } from 'node:stream';
import type { Clock } from '../clock.ts';
import { LineSplitter } from './line-splitter.ts';
import { TailBuffer } from './tail-buffer.ts';

export interface PipeOptions {
  extraPipes?: number | undefined;
  onStdoutLine?: ((line: string) => void) | undefined;
  onStderrLine?: ((line: string) => void) | undefined;
}

const STDERR_TAIL_BYTES = 64 * 1024;
const FIRST_EXTRA_FD = 3;
const IDLE_CHECK_MS = 500;

function emptyStream(): PassThrough {
  const stream = new PassThrough();
  stream.destroy();
  return stream;
}

function isStream(stream: unknown): stream is Duplex {
  return stream !== null && typeof stream === 'object' && 'pipe' in stream;
}

/** The pipes between us and one child. */
export class ProcPipes {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly extra: readonly Duplex[];
  /** Resolves when the last of what we read ourselves has come. */
  readonly drained: Promise<unknown>;
  readonly #child: ChildProcess;
  readonly #ownStdout: boolean;
  readonly #tail = new TailBuffer(STDERR_TAIL_BYTES);

  constructor(child: ChildProcess, options: PipeOptions) {
    this.#child = child;
    this.#ownStdout = options.onStdoutLine !== undefined;
    const { stdin, stdout, stderr } = child;
    const others: unknown[] = (child.stdio ?? []).slice(FIRST_EXTRA_FD, FIRST_EXTRA_FD + (options.extraPipes ?? 0));
    this.extra = others.filter(isStream);
    // EPIPE and ECONNRESET are how the end of the other side looks; the exit says what happened.
    for (const stream of [stdin, stdout, stderr, ...this.extra]) stream?.on('error', () => {});
    this.drained = Promise.all([
      stderr ? this.#drain(stderr, options.onStderrLine, (chunk) => this.#tail.push(chunk)) : undefined,
      stdout && options.onStdoutLine ? this.#drain(stdout, options.onStdoutLine) : undefined,
    ]);
    this.stdin = stdin ?? emptyStream();
    this.stdout = stdout ?? emptyStream();
  }

  stderrTail(): string {
    return this.#tail.toString();
  }

  /** Leaves open what we drain ourselves: it cannot be full, and the child may have last words. */
  close(): void {
    this.#child.stdin?.destroy();
    if (!this.#ownStdout) this.#child.stdout?.destroy();
    for (const pipe of this.extra) pipe.destroy();
  }

  /** After the last output. A pipe that others read stays until it is read, or until a left-over is all that holds it. */
  closeAfterExit(clock: Clock): void {
    this.#child.stderr?.destroy();
    this.#child.stdin?.destroy();
    if (this.#ownStdout) this.#child.stdout?.destroy();
    for (const stream of [this.#child.stdout, ...this.extra]) if (stream && !stream.destroyed) destroyWhenIdle(stream, clock);
  }

  #drain(stream: Readable, onLine: ((line: string) => void) | undefined, onChunk: (chunk: Buffer) => void = () => {}): Promise<void> {
    const lines = onLine ? new LineSplitter(onLine) : undefined;
    stream.on('data', (chunk: Buffer) => {
      onChunk(chunk);
      lines?.push(chunk);
    });
    return new Promise((resolve) => {
      stream.once('close', () => {
        lines?.end();
        resolve();
      });
    });
  }
}

/** Destroys a pipe whose reader has everything and waits for an end that a stranger with a copy of it never sends. */
function destroyWhenIdle(stream: Readable & { bytesRead?: number }, clock: Clock): void {
  let seen = -1;
  const callOff = clock.every(IDLE_CHECK_MS, () => {
    const waiting = stream.readableLength > 0 || stream.isPaused();
    if (!waiting && seen === stream.bytesRead) stream.destroy();
    seen = stream.bytesRead ?? 0;
  });
  stream.once('close', callOff);
}
