// Subtitles as text. What ffmpeg, people and recorders write is read generously; what we write is plain WebVTT.

/** One subtitle: shown from start to end, on the clock of whoever made it. */
export interface Cue {
  readonly startMs: number;
  readonly endMs: number;
  /** Placement such as `line:0 align:start`; empty for the usual place. */
  readonly settings: string;
  /** Lines with WebVTT's own tags. */
  readonly text: string;
}

const TIMING = /^\s*(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})\s*-->\s*(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})[ \t]*(.*)$/;
/** Blocks that are no subtitles. */
const OTHER_BLOCK = /^(WEBVTT|NOTE|STYLE|REGION|X-TIMESTAMP-MAP)\b/;
/** A drawing of Advanced SubStation, which ffmpeg takes for text: `m 0 0 l 100 0 100 100`. */
const DRAWING = /^m(?: -?[\d.]+){2}(?: (?:[mnlbspc]|-?[\d.]+))*$/;
const SETTINGS = /^(?:(?:vertical|line|position|size|align|region):[\w.,%-]+(?:\s+|$))+/;

/**
 * The subtitles of a WebVTT or SubRip text, by time. What is no subtitle is skipped; an empty line inside of one, which
 * splits it, is mended.
 */
export function parseCues(source: string): Cue[] {
  const cues: Cue[] = [];
  for (const block of source.replace(/^\uFEFF/, '').replaceAll(/\r\n?/g, '\n').split(/\n(?:[ \t]*\n)+/)) {
    const lines = block.split('\n').map((line) => line.trimEnd()).filter((line) => line !== '');
    const at = lines.findIndex((line) => TIMING.test(line));
    const text = lines.slice(at + 1).filter((line) => !DRAWING.test(line)).map(plainArrow).join('\n');
    // A number or a name may stand before the time, no more.
    if (at === 0 || at === 1) {
      const cue = timed(lines[at] ?? '', text);
      if (cue) cues.push(cue);
    } else if (at < 0 && text !== '' && !OTHER_BLOCK.test(block)) {
      const last = cues.pop();
      if (last) cues.push({ ...last, text: last.text === '' ? text : `${last.text}\n${text}` });
    }
  }
  return cues.filter(({ text, startMs, endMs }) => text !== '' && endMs > startMs).toSorted((a, b) => a.startMs - b.startMs || a.endMs - b.endMs);
}

function timed(line: string, text: string): Cue | null {
  const found = TIMING.exec(line);
  if (!found) return null;
  const [, h1, m1, s1, f1 = '', h2, m2, s2, f2 = '', rest = ''] = found;
  return { startMs: toMs(h1, m1, s1, f1), endMs: toMs(h2, m2, s2, f2), settings: SETTINGS.exec(rest)?.[0].trim() ?? '', text };
}

function toMs(hours: string | undefined, minutes: string | undefined, seconds: string | undefined, fraction: string): number {
  return ((Number(hours ?? 0) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000 + Number(fraction.padEnd(3, '0'));
}

/** The arrow would end the subtitle. */
function plainArrow(line: string): string {
  return line.replaceAll('-->', '→');
}

/** A WebVTT file of subtitles in order; `header` stands below the first line. */
export function writeCues(cues: readonly Cue[], header = ''): string {
  const blocks = cues.map(({ startMs, endMs, settings, text }) => `${clock(startMs)} --> ${clock(endMs)}${settings === '' ? '' : ` ${settings}`}\n${text}\n`);
  return ['WEBVTT\n', ...(header === '' ? [] : [`${header}\n`])].join('') + blocks.map((block) => `\n${block}`).join('');
}

/** `01:02:03.004` */
export function clock(ms: number): string {
  const whole = Math.max(0, Math.round(ms));
  return `${digits(Math.floor(whole / 3_600_000))}:${digits(Math.floor(whole / 60_000) % 60)}:${digits(Math.floor(whole / 1000) % 60)}.${digits(whole % 1000, 3)}`;
}

function digits(value: number, count = 2): string {
  return String(value).padStart(count, '0');
}

/** Subtitles on another clock, those that have ended by its 0 left out. */
export function shiftCues(cues: readonly Cue[], byMs: number): Cue[] {
  return cues.flatMap(({ startMs, endMs, settings, text }) => (endMs + byMs > 0 ? [{ startMs: Math.max(0, startMs + byMs), endMs: endMs + byMs, settings, text }] : []));
}
