import { closeSync, fstatSync, mkdirSync, openSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { ReelayError } from './errors.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { fileTrouble } from './files/file-trouble.ts';
import type { LogTarget } from './log-writer.ts';

/** The log file cannot be opened. */
export class LogFileUnusable extends ReelayError {
  readonly code = 'log_file_unusable';
  override readonly serviceExit = EXIT_CODES.configuration;
  constructor(path: string, cause: unknown) {
    super(`the log file ${path} cannot be written: ${fileTrouble(cause)}`, { path }, cause);
  }
}

export interface LogFileOptions {
  /** A file of this size is put aside. */
  maxBytes: number;
  /** How many are kept beside the current one, as `<path>.1` (the newest) and so on. */
  keep: number;
}

/** A log file that is put aside when it has grown, and opened anew when somebody else did that. */
export class LogFile implements LogTarget {
  readonly path: string;
  readonly #options: LogFileOptions;
  #fd: number;
  #bytes: number;
  #moved = false;

  /** @throws LogFileUnusable */
  constructor(path: string, options: LogFileOptions) {
    this.path = path;
    this.#options = options;
    try {
      mkdirSync(dirname(path), { recursive: true });
      this.#fd = openSync(path, 'a', 0o640);
    } catch (error) {
      throw new LogFileUnusable(path, error);
    }
    this.#bytes = fstatSync(this.#fd).size;
  }

  fd(): number {
    return this.#fd;
  }

  beforeWrite(bytes: number): void {
    if (this.#moved) this.#reopen();
    if (this.#bytes > 0 && this.#bytes + bytes > this.#options.maxBytes) this.#rotate();
    this.#bytes += bytes;
  }

  /** Somebody, such as logrotate, has moved the file: the next line goes to a new one. */
  reopen(): void {
    this.#moved = true;
  }

  /** Not while a write is under way: its descriptor would be closed, or be another file's. Keeps the old one when there is no new one to be had. */
  #reopen(): void {
    this.#moved = false;
    try {
      const fd = openSync(this.path, 'a', 0o640);
      closeSync(this.#fd);
      this.#fd = fd;
      this.#bytes = fstatSync(fd).size;
    } catch {
      // Nobody could be told but the log itself.
    }
  }

  #rotate(): void {
    const { keep } = this.#options;
    const names = [this.path, ...Array.from({ length: keep }, (_, index) => `${this.path}.${index + 1}`)];
    for (let index = names.length - 1; index > 0; index -= 1) {
      try {
        renameSync(names[index - 1] ?? '', names[index] ?? '');
      } catch {
        // Not that many yet.
      }
    }
    this.#reopen();
  }
}
