import { terminalText } from '@reelay/runtime';
import stringWidth from 'string-width';
import type { Style, Tone } from './style.ts';

export interface Column<Row> {
  title: string;
  value: (row: Row) => string | number | null | undefined;
  tone?: (row: Row) => Tone;
  align?: 'right';
  /** The last column may be cut to the terminal's width. */
  mayCut?: boolean;
}

const GAP = '  ';
const SHORTEST_CUT = 12;

/** Cut to a width in columns of a terminal, with an ellipsis. */
export const cut = (text: string, width: number): string => {
  if (stringWidth(text) <= width) return text;
  let kept = '';
  for (const character of text) {
    if (stringWidth(kept + character) > width - 1) break;
    kept += character;
  }
  return `${kept}…`;
};

/** Rows under aligned titles. `width` is that of the terminal; null cuts nothing. */
export const formatTable = <Row>(columns: readonly Column<Row>[], rows: readonly Row[], { style, width }: { style: Style; width: number | null }): string => {
  const texts = rows.map((row) => columns.map((column) => terminalText(String(column.value(row) ?? ''))));
  const widths = columns.map((column, index) => Math.max(stringWidth(column.title), ...texts.map((cells) => stringWidth(cells[index] ?? ''))));
  const last = columns.length - 1;
  if (width !== null && columns[last]?.mayCut === true) {
    const taken = widths.slice(0, last).reduce((sum, one) => sum + one + GAP.length, 0);
    widths[last] = Math.min(widths[last] ?? 0, Math.max(SHORTEST_CUT, width - taken));
  }
  const line = (cells: readonly string[], tones: readonly Tone[]): string =>
    cells.map((cell, index) => {
      const wide = widths[index] ?? 0;
      const text = index === last ? cut(cell, columns[index]?.mayCut === true ? wide : Infinity) : cell;
      const padding = ' '.repeat(Math.max(0, wide - stringWidth(text)));
      const painted = style(tones[index] ?? 'plain', text);
      if (columns[index]?.align === 'right') return padding + painted;
      return index === last ? painted : painted + padding;
    }).join(GAP).trimEnd();
  return [
    line(columns.map(({ title }) => title), columns.map(() => 'dim')),
    ...texts.map((cells, at) => line(cells, columns.map((column) => {
      const row = rows[at];
      return row === undefined ? 'plain' : (column.tone?.(row) ?? 'plain');
    }))),
  ].join('\n');
};

/** `name  value` lines; what has no value is left out. */
export const formatFields = (fields: readonly (readonly [name: string, value: string | number | null | undefined, tone?: Tone])[], style: Style): string => {
  const shown = fields.filter(([, value]) => value !== null && value !== undefined && value !== '');
  const wide = Math.max(0, ...shown.map(([name]) => stringWidth(name)));
  return shown.map(([name, value, tone = 'plain']) => `${style('dim', name.padEnd(wide))}${GAP}${style(tone, terminalText(String(value)))}`).join('\n');
};
