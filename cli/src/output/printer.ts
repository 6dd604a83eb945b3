import type { Io } from '../io.ts';
import { type Style, styleFor } from './style.ts';
import { type Column, formatFields, formatTable } from './table.ts';

/** The one way in which commands speak: results on stdout, messages on stderr. */
export class Printer {
  readonly #io: Io;
  readonly style: Style;
  readonly #errStyle: Style;

  constructor(io: Io) {
    this.#io = io;
    this.style = styleFor(io.out, io.env);
    this.#errStyle = styleFor(io.err, io.env);
  }

  /** Whether somebody looks at the results as they come. */
  get isLive(): boolean {
    return this.#io.out.isTTY === true;
  }

  /** A result as one JSON document. */
  json(value: unknown): void {
    this.#io.out.write(`${JSON.stringify(value, null, 2)}\n`);
  }

  /** One document of a stream of them, on a line of its own. */
  jsonLine(value: unknown): void {
    this.#io.out.write(`${JSON.stringify(value)}\n`);
  }

  line(text = ''): void {
    this.#io.out.write(`${text}\n`);
  }

  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void {
    this.line(this.tableText(columns, rows));
  }

  tableText<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
    return formatTable(columns, rows, { style: this.style, width: this.isLive ? (this.#io.out.columns || null) : null });
  }

  fields(fields: Parameters<typeof formatFields>[0]): void {
    this.line(formatFields(fields, this.style));
  }

  /** Empties the screen and shows this: the next look of something that is watched. */
  screen(text: string): void {
    this.#io.out.write(`\u001b[H\u001b[2J\u001b[3J${text}\n`);
  }

  /** Said beside the result. */
  note(text: string): void {
    this.#io.err.write(`${text}\n`);
  }

  warn(text: string): void {
    this.#io.err.write(`${this.#errStyle('warn', 'reelay:')} ${text}\n`);
  }

  error(text: string): void {
    this.#io.err.write(`${this.#errStyle('bad', 'reelay:')} ${text}\n`);
  }
}
