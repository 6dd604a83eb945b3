import type { Clock, Env } from '@reelay/runtime';

/** Where text goes: the part of a terminal or pipe that is used here. */
export interface TextSink {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** What a command may touch of its process. Results go to `out`, everything said beside them to `err`. */
export interface Io {
  env: Env;
  /** Folder in which the command was called. */
  cwd: string;
  out: TextSink;
  err: TextSink;
  input: NodeJS.ReadableStream & { readonly isTTY?: boolean | undefined };
  clock: Clock;
}
