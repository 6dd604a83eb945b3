// Logs of the services, for people: `gateway    12:01:02 INFO ready port=4100`. Lines that are no log record stay as they are.
import { terminalText } from '@reelay/runtime';
import { z } from 'zod';

const NAME_WIDTH = 10;
const MAX_VALUE_LENGTH = 300;
const OWN_FIELDS = new Set(['level', 'time', 'msg', 'service', 'pid', 'hostname', 'err', 'error']);
const recordSchema = z.looseObject({ level: z.string(), time: z.string(), msg: z.string().optional() });
const errorSchema = z.looseObject({ message: z.string(), code: z.unknown().optional(), stack: z.string().optional() });

function shown(value: unknown): string {
  const text = typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  return text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}…` : text;
}

function clockTime(iso: string): string {
  const time = new Date(iso);
  return Number.isNaN(time.getTime()) ? iso : time.toTimeString().slice(0, 8);
}

function errorParts(value: unknown, level: string): { field: string[]; stack: string[] } {
  const parsed = errorSchema.safeParse(value);
  if (!parsed.success) return { field: [], stack: [] };
  const { message, code, stack } = parsed.data;
  const unexpected = code === undefined && (level === 'error' || level === 'fatal');
  return { field: [`error=${shown(message)}`], stack: unexpected && stack !== undefined ? stack.split('\n').slice(1) : [] };
}

/** One line of a child's output as the lines to print, without line ends. */
export function formatLogLine(name: string, line: string): string[] {
  return format(name, line).map(terminalText);
}

function format(name: string, line: string): string[] {
  const prefix = name.padEnd(NAME_WIDTH);
  const record = parseRecord(line);
  if (record === null) return [`${prefix} ${line}`];
  const { level, time, msg = '' } = record;
  const fields = Object.entries(record).filter(([key, value]) => !OWN_FIELDS.has(key) && value !== undefined).map(([key, value]) => `${key}=${shown(value)}`);
  const error = errorParts(record['err'] ?? record['error'], level);
  const head = [prefix, clockTime(time), level.toUpperCase().padEnd(5), msg, ...fields, ...error.field].join(' ');
  return [head.trimEnd(), ...error.stack.map((row) => `${prefix}   ${row.trim()}`)];
}

function parseRecord(line: string): z.infer<typeof recordSchema> | null {
  if (!line.startsWith('{')) return null;
  try {
    const parsed = recordSchema.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
