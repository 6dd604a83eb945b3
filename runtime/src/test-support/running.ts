import { type ChildProcess, spawn } from 'node:child_process';
import { eventually } from './eventually.ts';

export interface LogLine {
  msg: string;
  level: string;
  [field: string]: unknown;
}

/** A program that is started for a test, with all that it says. */
export class Running {
  readonly process: ChildProcess;
  readonly messages: unknown[] = [];
  /** Exit code or signal, when its output has been read to the end. */
  readonly exit: Promise<number | string | null>;
  stdout = '';
  stderr = '';

  constructor(program: string, args: readonly string[], env: Record<string, string | undefined> = {}) {
    this.process = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], env: { ...process.env, ...env } });
    this.process.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.process.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.process.on('message', (message) => this.messages.push(message));
    this.exit = new Promise((resolve) => {
      this.process.once('close', (code, signal) => resolve(code ?? signal));
    });
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  get lines(): LogLine[] {
    return linesOf(this.stdout);
  }

  line(msg: string): Promise<LogLine> {
    return eventually(() => {
      const found = this.lines.find((line) => line.msg === msg);
      if (!found) throw new Error(`no line "${msg}" yet in ${this.stdout}`);
      return found;
    });
  }

  signal(name: NodeJS.Signals): void {
    this.process.kill(name);
  }
}

/** The whole log lines of a text. */
export function linesOf(text: string): LogLine[] {
  return text.split('\n').slice(0, -1).filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as LogLine);
}
