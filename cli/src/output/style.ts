import { styleText } from 'node:util';
import type { Env } from '@reelay/runtime';
import type { TextSink } from '../io.ts';

type Format = Parameters<typeof styleText>[0];
export type Tone = 'good' | 'warn' | 'bad' | 'dim' | 'strong' | 'plain';

const FORMATS: Readonly<Record<Exclude<Tone, 'plain'>, Format>> = { good: 'green', warn: 'yellow', bad: 'red', dim: 'dim', strong: 'bold' };

/** Paints text, where the other end is a terminal that wants colour. */
export type Style = (tone: Tone, text: string) => string;

/** Colour: a terminal, unless NO_COLOR is set or TERM is dumb. */
const wantsColour = (sink: TextSink, env: Env): boolean => sink.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';

export const styleFor = (sink: TextSink, env: Env): Style => {
  const coloured = wantsColour(sink, env);
  return (tone, text) => (coloured && tone !== 'plain' ? styleText(FORMATS[tone], text, { validateStream: false }) : text);
};

/** What each status means for a person. */
export const toneOf = (status: string): Tone => {
  if (['completed', 'healthy', 'active', 'ok', 'running'].includes(status)) return 'good';
  if (['failed', 'lost', 'fail', 'unavailable', 'invalid'].includes(status)) return 'bad';
  if (['paused', 'silent', 'draining', 'cordoned', 'warn', 'degraded', 'cancelled'].includes(status)) return 'warn';
  return 'plain';
};
