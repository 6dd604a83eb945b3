/** Reads what a program logs: one JSON object a line. */
import type { Readable } from 'node:stream';

export interface LogLine {
  level?: string;
  msg?: string;
  time?: string;
  [field: string]: unknown;
}

/** Collects the lines of a stream; what is no JSON is kept apart. */
export class JsonLog {
  readonly lines: LogLine[] = [];
  /** Lines that a person was to read, or a crash wrote. */
  readonly others: string[] = [];
  readonly #onLine: (line: LogLine) => void;
  #rest = '';

  constructor(stream: Readable, onLine: (line: LogLine) => void = () => {}) {
    this.#onLine = onLine;
    stream.on('data', (chunk: Buffer) => this.#take(chunk.toString()));
    stream.on('error', () => {});
  }

  with(field: string, value: unknown): LogLine[] {
    return this.lines.filter((line) => line[field] === value);
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#sort(line);
  }

  #sort(text: string): void {
    try {
      const line = JSON.parse(text) as LogLine;
      this.lines.push(line);
      this.#onLine(line);
    } catch {
      if (text.trim() !== '') this.others.push(text);
    }
  }
}
