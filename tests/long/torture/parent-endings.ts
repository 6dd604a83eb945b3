/** Every way in which the parent itself ends, and what must be seen of it. */
import type { HowItEnded } from '../../kit/logged-process.ts';
import type { Randomness } from '../../kit/random.ts';
import { type ChildKind, LASTING } from './child-kinds.ts';
import { type DriverOptions, HELPERS, type Helpers } from './driver-process.ts';

/** Before it is ready, while it starts children, with all of them alive, and while it stops already. */
const PHASES = ['starting', 'spawning', 'running', 'stopping'] as const;
type Phase = (typeof PHASES)[number];

export type Blow =
  | { kind: 'signal'; signal: NodeJS.Signals }
  | { kind: 'wait'; ms: number }
  | { kind: 'throw' }
  | { kind: 'eat'; what: 'buffers' | 'objects' }
  /** SIGKILL to the helper that guards its children. */
  | { kind: 'killGuardian' };

export interface ParentEnding {
  name: string;
  blows: readonly Blow[];
  options?: DriverOptions;
  /** Under a control group with a limit of memory. */
  memoryGroup?: boolean;
  /** `code`: children were ended in good order and told of. `hard`: it could do nothing any more. */
  wanted: { order: 'good'; code: number; cause: string } | { order: 'hard'; how: (end: HowItEnded) => boolean };
  phases: readonly Phase[];
  /** A stubborn child must be there, so that the stop lasts. */
  stubborn?: boolean;
  weight?: number;
}

const signal = (name: NodeJS.Signals): Blow => ({ kind: 'signal', signal: name });
const wait = (ms: number): Blow => ({ kind: 'wait', ms });
const inOrder = (code = 0, cause = 'shutdown'): ParentEnding['wanted'] => ({ order: 'good', code, cause });
const killed = (how: (end: HowItEnded) => boolean): ParentEnding['wanted'] => ({ order: 'hard', how });
const bySignal = (...signals: NodeJS.Signals[]) => killed((end) => end.signal !== null && signals.includes(end.signal));
const LATER: readonly Phase[] = ['spawning', 'running'];

export const PARENT_ENDINGS: readonly ParentEnding[] = [
  { name: 'TERM', blows: [signal('SIGTERM')], wanted: inOrder(), phases: ['starting', 'spawning', 'running'], weight: 3 },
  { name: 'INT', blows: [signal('SIGINT')], wanted: inOrder(), phases: ['starting', 'spawning', 'running'] },
  { name: 'TERM and INT together', blows: [signal('SIGTERM'), wait(20), signal('SIGINT')], wanted: inOrder(), phases: ['spawning', 'running'] },
  { name: 'TERM twice', blows: [signal('SIGTERM'), wait(1_150), signal('SIGTERM')], options: { graceMs: 4_000 }, wanted: killed((end) => end.code === 1), phases: ['running'], stubborn: true },
  { name: 'HUP, then TERM', blows: [signal('SIGHUP'), wait(30), signal('SIGTERM')], wanted: inOrder(), phases: LATER },
  { name: 'frozen, TERM, thawed', blows: [signal('SIGSTOP'), wait(100), signal('SIGTERM'), wait(100), signal('SIGCONT')], wanted: inOrder(), phases: LATER },
  { name: 'KILL', blows: [signal('SIGKILL')], wanted: bySignal('SIGKILL'), phases: PHASES, weight: 6 },
  { name: 'frozen, KILL', blows: [signal('SIGSTOP'), wait(50), signal('SIGKILL')], wanted: bySignal('SIGKILL'), phases: ['spawning', 'running'] },
  { name: 'QUIT', blows: [signal('SIGQUIT')], wanted: killed((end) => end.code === 1 || end.signal === 'SIGQUIT'), phases: PHASES },
  { name: 'ABRT', blows: [signal('SIGABRT')], wanted: bySignal('SIGABRT'), phases: ['spawning', 'running', 'stopping'] },
  { name: 'uncaught error', blows: [{ kind: 'throw' }], wanted: inOrder(70, 'Error'), phases: LATER },
  { name: 'guardian killed', blows: [{ kind: 'killGuardian' }], wanted: inOrder(70), phases: ['running'] },
  { name: 'memory limit of its address space', blows: [{ kind: 'eat', what: 'buffers' }], options: { limit: 'ulimit -v 2000000' }, wanted: killed((end) => end.code !== 0), phases: ['running'] },
  { name: 'memory limit of its heap', blows: [{ kind: 'eat', what: 'objects' }], options: { nodeArgs: ['--max-old-space-size=64'] }, wanted: bySignal('SIGABRT', 'SIGTRAP', 'SIGILL'), phases: ['running'] },
  { name: 'memory limit of its control group', blows: [{ kind: 'eat', what: 'buffers' }], memoryGroup: true, wanted: bySignal('SIGKILL'), phases: LATER, weight: 2 },
];

export interface ParentCase {
  id: string;
  ending: ParentEnding;
  phase: Phase;
  helpers: Helpers;
  children: ChildKind[];
  /** From the beginning of the phase to the first blow, in milliseconds. */
  waitMs: number;
}

export const describeParentCase = ({ id, ending, phase, helpers, waitMs }: ParentCase): string => `${id}: ${ending.name}, ${phase} + ${waitMs} ms [${helpers}]`;

const CHILDREN = 7;
const LONGEST_WAIT_MS: Record<Phase, number> = { starting: 200, spawning: 60, running: 30, stopping: 300 };

export const drawParentCase = (random: Randomness, id: string, endings: readonly ParentEnding[]): ParentCase => {
  const ending = random.pick(endings.flatMap((it) => Array.from({ length: it.weight ?? 1 }, () => it)));
  const phase = random.pick(ending.phases);
  const children = Array.from({ length: CHILDREN }, () => random.pick(LASTING));
  const stubborn = LASTING.filter((kind) => kind.stubborn === true);
  // A stop that is interrupted must last long enough to be.
  if (ending.stubborn === true || phase === 'stopping') children[0] = random.pick(stubborn);
  return { id, ending, phase, helpers: random.pick(HELPERS), children, waitMs: random.between(0, LONGEST_WAIT_MS[phase]) };
};
