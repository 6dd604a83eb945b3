/** A drain of a node as people set it and see it. */
import type { Node } from '@reelay/contracts';
import { span } from './format.ts';

export const DRAIN_CHOICES = {
  finish: 'Let them finish',
  now: 'Give them back now',
  fiveMinutes: 'Give them back in 5 minutes',
  hour: 'Give them back in an hour',
  minutes: 'Give them back in …',
} as const;
export type DrainChoice = keyof typeof DRAIN_CHOICES;

const SECONDS: Readonly<Record<Exclude<DrainChoice, 'minutes'>, number | null>> = { finish: null, now: 0, fiveMinutes: 300, hour: 3600 };

/** The deadline of a choice in seconds; null: none. Undefined when the minutes are none that can be set. */
export function drainSeconds(choice: DrainChoice, minutes: string): number | null | undefined {
  if (choice !== 'minutes') return SECONDS[choice];
  const count = Number(minutes);
  return /^\d+$/.test(minutes.trim()) && count >= 1 && count <= 1440 ? count * 60 : undefined;
}

/** Jobs placed on the node, of all categories. */
export const jobsOn = ({ running }: Pick<Node, 'running'>): number => running.cpu + running.gpu_encode + running.gpu_ai;

/** What becomes of the jobs of a draining node; null when it does not drain. */
export function drainSentence(node: Pick<Node, 'adminState' | 'drainDeadlineAt' | 'running'>, nowMs: number): string | null {
  if (node.adminState !== 'draining') return null;
  if (jobsOn(node) === 0) return 'Drained: nothing runs here.';
  if (node.drainDeadlineAt === null) return 'Running jobs finish.';
  const seconds = Math.ceil((Date.parse(node.drainDeadlineAt) - nowMs) / 1000);
  return seconds > 0 ? `Running jobs are given back in ${span(seconds)}.` : 'Running jobs are being given back.';
}
