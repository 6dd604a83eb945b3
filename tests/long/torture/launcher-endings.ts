/** Every way in which `npm start` ends. */
import type { Randomness } from '../../kit/random.ts';

/** While npm installs packages. Before anything runs. With a new data folder: initdb and keys are made. With an old one: before it is ready. With all of it at work. While it stops. */
const PHASES = ['installing', 'preparing', 'first start', 'starting', 'running', 'stopping'] as const;
export type LauncherPhase = (typeof PHASES)[number];

type Target = 'first' | 'group' | 'program';
type Blow = { signal: NodeJS.Signals; to?: Target } | { waitMs: number };

export interface LauncherEnding {
  name: string;
  blows: readonly Blow[];
  /** It says that it stops, and exits with 0 when it had begun. */
  inOrder: boolean;
  phases: readonly LauncherPhase[];
  weight?: number;
}

const BEFORE_STOP: readonly LauncherPhase[] = ['installing', 'preparing', 'first start', 'starting', 'running'];
const storm: Blow[] = Array.from({ length: 20 }, (): Blow[] => [{ signal: 'SIGHUP', to: 'program' }, { waitMs: 2 }]).flat();

export const LAUNCHER_ENDINGS: readonly LauncherEnding[] = [
  { name: 'TERM', blows: [{ signal: 'SIGTERM' }], inOrder: true, phases: BEFORE_STOP, weight: 2 },
  { name: 'Ctrl-C: INT to the group', blows: [{ signal: 'SIGINT', to: 'group' }], inOrder: true, phases: BEFORE_STOP, weight: 3 },
  { name: 'Ctrl-C twice', blows: [{ signal: 'SIGINT', to: 'group' }, { waitMs: 1_200 }, { signal: 'SIGINT', to: 'group' }], inOrder: false, phases: ['starting', 'running'] },
  { name: 'TERM twice', blows: [{ signal: 'SIGTERM', to: 'program' }, { waitMs: 1_100 }, { signal: 'SIGTERM', to: 'program' }], inOrder: false, phases: ['starting', 'running'] },
  { name: 'KILL of the program', blows: [{ signal: 'SIGKILL', to: 'program' }], inOrder: false, phases: PHASES, weight: 2 },
  { name: 'KILL of the first', blows: [{ signal: 'SIGKILL' }], inOrder: false, phases: PHASES, weight: 2 },
  { name: 'KILL of the group', blows: [{ signal: 'SIGKILL', to: 'group' }], inOrder: false, phases: PHASES, weight: 2 },
  { name: 'QUIT of the group', blows: [{ signal: 'SIGQUIT', to: 'group' }], inOrder: false, phases: PHASES },
  { name: 'the terminal is closed: HUP to the group, then TERM', blows: [{ signal: 'SIGHUP', to: 'group' }, { waitMs: 300 }, { signal: 'SIGTERM', to: 'group' }], inOrder: false, phases: BEFORE_STOP },
  { name: 'twenty HUP, then TERM', blows: [...storm, { waitMs: 300 }, { signal: 'SIGTERM', to: 'program' }], inOrder: false, phases: ['running'] },
  { name: 'INT to the group while it stops', blows: [{ signal: 'SIGINT', to: 'group' }], inOrder: false, phases: ['stopping'] },
];

export interface LauncherCase {
  id: string;
  ending: LauncherEnding;
  phase: LauncherPhase;
  withNpm: boolean;
  waitMs: number;
}

export const describeLauncherCase = ({ id, ending, phase, withNpm, waitMs }: LauncherCase): string => `${id}: ${withNpm ? 'npm start' : 'start.mjs'}, ${ending.name}, ${phase} + ${waitMs} ms`;

const LONGEST_WAIT_MS: Record<LauncherPhase, number> = { installing: 1_500, preparing: 500, 'first start': 6_000, starting: 3_000, running: 200, stopping: 800 };

export const drawLauncherCase = (random: Randomness, id: string): LauncherCase => {
  const ending = random.pick(LAUNCHER_ENDINGS.flatMap((it) => Array.from({ length: it.weight ?? 1 }, () => it)));
  const phase = random.pick(ending.phases);
  return { id, ending, phase, withNpm: random.next() < 0.5 && phase !== 'installing', waitMs: random.between(0, LONGEST_WAIT_MS[phase]) };
};
