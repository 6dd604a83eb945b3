import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { styleFor } from './style.ts';
import { cut, formatFields, formatTable } from './table.ts';
import { ago, bytes, duration } from './words.ts';

const plain = { style: styleFor({ write: () => {} }, {}), width: null };
const columns = [
  { title: 'NAME', value: (row: string[]) => row[0] },
  { title: 'SIZE', value: (row: string[]) => row[1], align: 'right' as const },
  { title: 'ABOUT', value: (row: string[]) => row[2], mayCut: true },
];

describe('tables', () => {
  it('align by columns of the terminal, wide characters counted', () => {
    const lines = formatTable(columns, [['日本', '5', 'x'], ['abc', '1234', 'y']], plain).split('\n');
    expect(lines[0]).toBe('NAME  SIZE  ABOUT');
    const places = lines.slice(1).map((line) => stringWidth(line.slice(0, line.search(/[xy]$/))));
    expect(places).toEqual([12, 12]);
  });
  it('cut the last column to the terminal, and nothing where there is none', () => {
    const long = 'z'.repeat(300);
    expect(Math.max(...formatTable(columns, [['a', '1', long]], { ...plain, width: 60 }).split('\n').map((line) => stringWidth(line)))).toBe(60);
    expect(formatTable(columns, [['a', '1', long]], plain)).toContain(long);
  });
  it('show what would steer a terminal, and send it not', () => {
    const text = formatTable(columns, [['\u001b[2Jx', '\r1', 'a\nb']], plain) + formatFields([['f', '\u009b31m']], plain.style);
    // eslint-disable-next-line no-control-regex
    expect(text).not.toMatch(/[\u001b\r\u009b]/);
    expect(text.split('\n').length).toBe(2);
  });
  it('leave out fields without a value', () => {
    expect(formatFields([['a', null], ['bb', 0], ['c', '']], plain.style)).toBe('bb  0');
  });
});

it('colour is for terminals that want it', () => {
  const terminal = { write: () => {}, isTTY: true };
  expect(styleFor(terminal, {})('bad', 'x')).not.toBe('x');
  for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }]) expect(styleFor(terminal, env)('bad', 'x')).toBe('x');
  expect(styleFor({ write: () => {} }, {})('bad', 'x')).toBe('x');
});

it('figures read as people say them', () => {
  expect([bytes(0), bytes(1023), bytes(1536), bytes(5 * 1024 ** 3), bytes(2 ** 60)]).toEqual(['0 B', '1023 B', '1.5 KB', '5.0 GB', '1024 PB']);
  expect([duration(0.04), duration(59.6), duration(125), duration(3600), duration(90_061)]).toEqual(['0.0 s', '1 min', '2 min 5 s', '1 h', '1 d 1 h']);
  const now = new Date('2026-01-02T00:00:00Z');
  expect(['2026-01-01T23:59:55Z', '2026-01-01T22:00:00Z', '2026-01-03T00:00:00Z'].map((at) => ago(at, now))).toEqual(['5 s ago', '2 h ago', 'now']);
  expect(cut('abcdef', 4)).toBe('abc…');
});
