/** Every way in which a service ends, and what must be seen of it. */
import type { LogLine } from '../../kit/json-log.ts';
import type { HowItEnded } from '../../kit/logged-process.ts';
import type { Randomness } from '../../kit/random.ts';
import type { ServiceName } from '../../../launcher/src/programs.ts';

/** From its launch until it is ready, with nothing to do, with work, and while it stops already. */
const PHASES = ['starting', 'idle', 'busy', 'stopping'] as const;
export type ServicePhase = (typeof PHASES)[number];

type Blow = { signal: NodeJS.Signals } | { waitMs: number };

export interface ServiceEnding {
  name: string;
  blows: readonly Blow[];
  /** `good`: it stops, says so once, and exits with 0. `hard`: it can do nothing. `either`: a second signal may come before or after its end. */
  order: 'good' | 'hard' | 'either';
  /** What its last lines must name. */
  said?: string;
  phases: readonly ServicePhase[];
  weight?: number;
}

const signal = (name: NodeJS.Signals): Blow => ({ signal: name });
const wait = (waitMs: number): Blow => ({ waitMs });
const NOT_STOPPING: readonly ServicePhase[] = ['starting', 'idle', 'busy'];
const WHEN_UP: readonly ServicePhase[] = ['idle', 'busy'];
const storm = (name: NodeJS.Signals, times: number): Blow[] => Array.from({ length: times }, () => [signal(name), wait(3)]).flat();

export const SERVICE_ENDINGS: readonly ServiceEnding[] = [
  { name: 'TERM', blows: [signal('SIGTERM')], order: 'good', said: 'SIGTERM', phases: NOT_STOPPING, weight: 3 },
  { name: 'INT', blows: [signal('SIGINT')], order: 'good', said: 'SIGINT', phases: NOT_STOPPING, weight: 2 },
  // Which of the two a busy process hears first is the kernel's choice.
  { name: 'TERM, INT 20 ms later', blows: [signal('SIGTERM'), wait(20), signal('SIGINT')], order: 'good', said: 'SIG', phases: NOT_STOPPING },
  { name: 'TERM, TERM 1.1 s later', blows: [signal('SIGTERM'), wait(1_100), signal('SIGTERM')], order: 'either', said: 'SIGTERM', phases: WHEN_UP },
  { name: 'HUP, then TERM', blows: [signal('SIGHUP'), wait(80), signal('SIGTERM')], order: 'good', said: 'SIGTERM', phases: NOT_STOPPING },
  { name: 'ten HUP, then TERM', blows: [...storm('SIGHUP', 10), signal('SIGTERM')], order: 'good', said: 'SIGTERM', phases: WHEN_UP },
  { name: 'USR1 and USR2, then TERM', blows: [signal('SIGUSR1'), signal('SIGUSR2'), wait(50), signal('SIGTERM')], order: 'good', said: 'SIGTERM', phases: WHEN_UP },
  { name: 'frozen 300 ms, then TERM', blows: [signal('SIGSTOP'), wait(300), signal('SIGCONT'), wait(100), signal('SIGTERM')], order: 'good', said: 'SIGTERM', phases: NOT_STOPPING },
  { name: 'frozen, TERM, thawed', blows: [signal('SIGSTOP'), wait(50), signal('SIGTERM'), wait(200), signal('SIGCONT')], order: 'good', said: 'SIGTERM', phases: NOT_STOPPING },
  { name: 'frozen, KILL', blows: [signal('SIGSTOP'), wait(50), signal('SIGKILL')], order: 'hard', phases: PHASES },
  { name: 'KILL', blows: [signal('SIGKILL')], order: 'hard', phases: PHASES, weight: 4 },
  { name: 'QUIT', blows: [signal('SIGQUIT')], order: 'either', said: 'SIGQUIT', phases: PHASES },
  { name: 'HUP while it stops', blows: [signal('SIGHUP')], order: 'good', said: 'SIGTERM', phases: ['stopping'] },
  { name: 'INT while it stops', blows: [signal('SIGINT')], order: 'either', said: 'SIGTERM', phases: ['stopping'] },
  { name: 'frozen while it stops', blows: [signal('SIGSTOP'), wait(400), signal('SIGCONT')], order: 'either', said: 'SIGTERM', phases: ['stopping'] },
];

export interface ServiceCase {
  id: string;
  service: ServiceName;
  ending: ServiceEnding;
  phase: ServicePhase;
  /** With work; always so in the phase `busy`. */
  busy: boolean;
  /** From the beginning of the phase to the first blow, in milliseconds. */
  waitMs: number;
}

export const describeServiceCase = ({ id, service, ending, phase, busy, waitMs }: ServiceCase): string => `${id}: ${service}, ${ending.name}, ${phase}${busy && phase !== 'busy' ? ' with work' : ''} + ${waitMs} ms`;

const LONGEST_WAIT_MS: Record<ServicePhase, number> = { starting: 900, idle: 150, busy: 400, stopping: 300 };

export const drawServiceCase = (random: Randomness, id: string, service: ServiceName): ServiceCase => {
  const ending = random.pick(SERVICE_ENDINGS.flatMap((it) => Array.from({ length: it.weight ?? 1 }, () => it)));
  const phase = random.pick(ending.phases);
  const busy = phase === 'busy' || (phase === 'stopping' && random.next() < 0.5);
  return { id, service, ending, phase, busy, waitMs: random.between(0, LONGEST_WAIT_MS[phase]) };
};

/** What is wrong with how it went, by its exit and its own words. */
export const wrongServiceEnd = ({ ending, phase }: ServiceCase, end: HowItEnded, lines: readonly LogLine[], errors: readonly string[]): string[] => {
  const failed = lines.filter(({ msg }) => msg === 'stop step failed' || msg === 'ending at once').map(({ step, tookMs, reason, err }) => ({ step, tookMs, reason, err: JSON.stringify(err)?.slice(0, 200) }));
  const how = `it ended with ${JSON.stringify({ ...end, errors: errors.slice(0, 2), failed })}`;
  // A signal before the program has begun: there is nothing to stop yet, and nobody who could say so.
  if (phase === 'starting' && end.signal !== null && lines.length === 0) return [];
  if (ending.order === 'hard') return end.signal === 'SIGKILL' || (phase === 'stopping' && end.code === 0) ? [] : [how];
  const wrong: string[] = [];
  const atOnce = lines.filter((line) => line.msg === 'ending at once').length;
  // Told at once to end, with nobody to take its last lines in time, it ends itself by SIGKILL.
  const endedAtOnce = atOnce === 1 && (end.code === 1 || end.signal === 'SIGKILL');
  if (end.code !== 0 && (ending.order === 'good' || !endedAtOnce)) wrong.push(how);
  const last = lines.filter((line) => line.msg === 'stopped' || line.msg === 'ending at once');
  if (last.length !== 1) wrong.push(`its end was told ${last.length} times`);
  // What stops already stops for its first reason.
  const wanted = phase === 'stopping' && atOnce === 0 ? 'SIGTERM' : (ending.said ?? '');
  const told = JSON.stringify(last);
  if (!told.includes(wanted) && !(atOnce === 1 && told.includes('a second'))) wrong.push(`its last line does not name ${wanted}: ${told}`);
  return wrong;
};
