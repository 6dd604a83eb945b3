import type { Row } from './sweep.ts';

/** One file, one line. */
export function tableLine({ name, container, codecs, mode, reason, notCut, segments, encoded, wrong, notes, ms }: Row): string {
  const cut = segments > 0 ? `${segments} cut` : '-';
  return [wrong.length === 0 ? 'ok  ' : 'FAIL', name, container, codecs, mode, cut, encoded ? 'encoded' : '-', `${ms} ms`, mode === 'refused' || mode === 'none' ? reason : (notCut ?? ''), ...notes.map((note) => `(${note})`), ...wrong.map((line) => `\n       ${line}`)].join(' | ');
}

const count = (list: readonly Row[], test: (row: Row) => boolean): string => String(list.filter(test).length).padStart(8);

const line = (title: string, list: readonly Row[]): string => [
  title.padEnd(20), String(list.length).padStart(6), count(list, ({ mode }) => mode === 'direct'), count(list, ({ mode }) => mode === 'remux'), count(list, ({ mode }) => mode === 'transcode'),
  count(list, ({ mode }) => mode === 'refused' || mode === 'none'), count(list, ({ segments }) => segments > 0), count(list, ({ encoded }) => encoded), count(list, ({ wrong }) => wrong.length > 0),
].join(' ');

/** How many of each group went which way. */
export function summary(rows: readonly Row[]): string[] {
  const groups = [...new Set(rows.map(({ group }) => group))];
  return [
    `${'group'.padEnd(20)}  files   direct    remux transcode refused     cut  encoded    wrong`, ...groups.map((group) => line(group, rows.filter((row) => row.group === group))), line('all', rows),
    `slowest: ${rows.toSorted((a, b) => b.ms - a.ms).slice(0, 3).map(({ name, ms }) => `${name} ${ms} ms`).join(', ')}`,
  ];
}
