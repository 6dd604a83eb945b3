import { terminalText } from '@reelay/runtime';
import type { Io } from '../io.ts';
import { cut } from './table.ts';

const BAR = 24;
const DEFAULT_COLUMNS = 80;
const STEP_PERCENT = 25;

const bar = (percent: number): string => {
  const full = Math.round((Math.min(100, Math.max(0, percent)) / 100) * BAR);
  return `${'█'.repeat(full)}${'░'.repeat(BAR - full)}`;
};

/** How something gets on, on stderr: one line that is written over on a terminal, else a line at each step. */
export class ProgressLine {
  readonly #io: Io;
  #last = '';
  #isOpen = false;

  constructor(io: Io) {
    this.#io = io;
  }

  /** `what` changes seldom: where lines stay, there is a new one when it does, and at each quarter. */
  show(percent: number, what: string, facts: readonly string[] = []): void {
    const { err } = this.#io;
    if (err.isTTY === true) {
      const text = cut(terminalText(`${bar(percent)} ${String(Math.floor(percent)).padStart(3)} %  ${[what, ...facts].join('  ')}`), (err.columns || DEFAULT_COLUMNS) - 1);
      err.write(`\r\u001b[K${text}`);
      this.#isOpen = true;
      return;
    }
    const step = `${Math.floor(percent / STEP_PERCENT)} ${what}`;
    if (step === this.#last) return;
    this.#last = step;
    err.write(`${terminalText(`${Math.floor(percent)} %  ${[what, ...facts].join('  ')}`)}\n`);
  }

  /** A line of its own, above what comes next. */
  note(text: string): void {
    this.end();
    this.#io.err.write(`${text}\n`);
  }

  /** Leaves the line. */
  end(): void {
    if (this.#isOpen) this.#io.err.write('\r\u001b[K');
    this.#isOpen = false;
  }
}
