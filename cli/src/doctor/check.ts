import type { Clock, Ctx, Env } from '@reelay/runtime';
import type { Supervisor } from '@reelay/runtime/supervisor';
import type { Gateway } from '../connection/gateway.ts';
import type { Instance } from '../instance/instance.ts';
import type { Place } from '../instance/place.ts';

export const VERDICTS = ['ok', 'warn', 'fail'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** One thing that was looked at. */
export interface Finding {
  verdict: Verdict;
  /** One sentence: what is so. */
  message: string;
  /** What to do about it, when it is not well. */
  advice?: string | undefined;
  /** Figures for programs. */
  facts?: Record<string, unknown> | undefined;
}

/** What a check may look at. */
export interface Patient {
  env: Env;
  place: Place;
  /** What runs on the data folder. */
  instance: Instance | null;
  gateway: Gateway;
  supervisor: Supervisor;
  clock: Clock;
}

/** One question a support engineer would ask. */
export interface Check {
  /** Name for programs: `disk.library`. */
  id: string;
  /** Heading under which it is shown. */
  group: 'Machine' | 'Installation' | 'Settings' | 'Folders' | 'Programs' | 'Services' | 'Processes';
  /** Longest time it may take. */
  limitMs: number;
  /** Answers nothing where the question does not arise. `ctx` ends when the time is over. */
  look: (patient: Patient, ctx: Ctx) => Finding[] | Promise<Finding[]>;
}

export const ok = (message: string, facts?: Record<string, unknown>): Finding => ({ verdict: 'ok', message, facts });
export const warn = (message: string, advice: string, facts?: Record<string, unknown>): Finding => ({ verdict: 'warn', message, advice, facts });
export const fail = (message: string, advice: string, facts?: Record<string, unknown>): Finding => ({ verdict: 'fail', message, advice, facts });
