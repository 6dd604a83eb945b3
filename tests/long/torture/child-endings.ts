/** Every way in which a child of a living parent ends, and the cause that must be told. */
import { BRIEF, type ChildKind, LASTING } from './child-kinds.ts';
import type { ChildSpec, WayInside } from './driver-messages.ts';
import { WAYS_INSIDE } from './driver-messages.ts';
import type { Randomness } from '../../kit/random.ts';

/** When it is ended: in the breath that starts it, a moment later (often before its exec), or when it has shown signs of life. */
export const PHASES = ['at once', 'early', 'running'] as const;
export type Phase = (typeof PHASES)[number];

export type Step =
  | { kind: 'inside'; way: WayInside }
  /** From outside, to the process or to its group. */
  | { kind: 'outside'; signal: NodeJS.Signals; group: boolean };

export interface Ending {
  name: string;
  /** Code of the cause in the exit and in the log line; null: nobody of us ended it. */
  cause: string | null;
  spec?: Partial<ChildSpec>;
  /** The first when its phase has come, each other up to 100 ms later. */
  steps: readonly Step[];
  fits: (kind: ChildKind) => boolean;
  /** Only when it shows signs of life. */
  onlyRunning?: boolean;
}

const inside = (way: WayInside): Step => ({ kind: 'inside', way });
const outside = (signal: NodeJS.Signals, group = false): Step => ({ kind: 'outside', signal, group });
const always = (): boolean => true;

const WITHIN: Ending[] = (Object.keys(WAYS_INSIDE) as WayInside[]).map((way) => ({ name: way, cause: WAYS_INSIDE[way], steps: [inside(way)], fits: always }));
const WATCHED: Ending[] = [
  { name: 'stall', cause: 'stalled', spec: { stallMs: 250 }, steps: [], fits: (kind) => kind.silent === true || kind.frozen === true, onlyRunning: true },
  { name: 'time limit', cause: 'timed_out', spec: { limitMs: 250 }, steps: [], fits: always, onlyRunning: true },
];
const OUTSIDE: Ending[] = [
  { name: 'KILL by hand', cause: null, steps: [outside('SIGKILL')], fits: always },
  { name: 'KILL of the group by hand', cause: null, steps: [outside('SIGKILL', true)], fits: always },
  { name: 'SEGV by hand', cause: null, steps: [outside('SIGSEGV')], fits: (kind) => kind.frozen !== true, onlyRunning: true },
];
const TWICE: Ending[] = [
  { name: 'terminate, then kill', cause: WAYS_INSIDE.terminate, steps: [inside('terminate'), inside('kill')], fits: always },
  { name: 'terminate, then cancel', cause: WAYS_INSIDE.terminate, steps: [inside('terminate'), inside('cancel')], fits: always },
  { name: 'cancel, then frozen by hand', cause: WAYS_INSIDE.cancel, spec: { graceMs: 150 }, steps: [inside('cancel'), outside('SIGSTOP', true)], fits: always },
  { name: 'cancel, then KILL by hand', cause: WAYS_INSIDE.cancel, steps: [inside('cancel'), outside('SIGKILL')], fits: always },
];
const ENDINGS: readonly Ending[] = [...WITHIN, ...WITHIN, ...WATCHED, ...OUTSIDE, ...TWICE];
const BY_ITSELF: Ending = { name: 'by itself', cause: null, steps: [], fits: always };

export interface ChildCase {
  id: string;
  kind: ChildKind;
  ending: Ending;
  phase: Phase;
  /** Waits before the steps, in milliseconds. */
  waitsMs: number[];
}

export const describeCase = ({ id, kind, ending, phase }: ChildCase): string => `${id}: "${kind.name}", ${ending.name}, ${phase}`;

/** One in four is a child that would have ended by itself, and half of these are let. */
export const drawCase = (random: Randomness, id: string): ChildCase => {
  const kind = random.next() < 0.25 ? random.pick(BRIEF) : random.pick(LASTING);
  const ending = kind.ends !== null && random.next() < 0.5 ? BY_ITSELF : random.pick(ENDINGS.filter((it) => it.fits(kind) && (kind.ends === null || it.onlyRunning !== true)));
  const phase = ending.onlyRunning === true || kind.frozen === true ? 'running' : random.pick(kind.ends === null ? PHASES : PHASES.slice(0, 2));
  return { id, kind, ending, phase, waitsMs: ending.steps.map((_, n) => (n === 0 && phase !== 'early' ? 0 : random.between(0, n === 0 ? 40 : 100))) };
};
