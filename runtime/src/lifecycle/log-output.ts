import { resolve } from 'node:path';
import type { Env } from '../config.ts';
import { LogFile } from '../log-file.ts';
import { LogWriter, stdoutTarget } from '../log-writer.ts';
import { commonSettings } from '../settings/common.ts';
import { readLeniently } from './lenient.ts';

const { REELAY_LOG_MAX_MB, REELAY_LOG_KEEP } = commonSettings;
const MIB = 1024 * 1024;

/** Where a service's log goes. */
export interface LogOutput {
  readonly writer: LogWriter;
  /** Somebody may have moved the file. */
  reopen(): void;
}

/** Standard output, or a file that is put aside when it has grown. @throws LogFileUnusable */
export function openLogOutput(env: Env, path: string | undefined): LogOutput {
  if (path === undefined) return { writer: new LogWriter({ target: stdoutTarget() }), reopen: () => {} };
  const { REELAY_LOG_MAX_MB: maxMb, REELAY_LOG_KEEP: keep } = readLeniently({ REELAY_LOG_MAX_MB, REELAY_LOG_KEEP }, env);
  const file = new LogFile(resolve(path), { maxBytes: maxMb * MIB, keep });
  const writer = new LogWriter({ target: file });
  captureOutput(writer);
  return { writer, reopen: () => file.reopen() };
}

/** What this process says by itself goes to the same file, so that it is put aside with the rest. */
function captureOutput(writer: LogWriter): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.write = (chunk: Uint8Array | string, encoding?: BufferEncoding | ((error?: Error | null) => void), callback?: (error?: Error | null) => void): boolean => {
      writer.write(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());
      (typeof encoding === 'function' ? encoding : callback)?.();
      return true;
    };
  }
}
