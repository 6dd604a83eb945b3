import type { ProcKind } from '../proc-info.ts';
import type { MemoryLevel } from './memory-level.ts';

/** What the choice needs to know of a child. */
export interface Candidate {
  id: string;
  kind: ProcKind;
  state: string;
  uptimeMs: number;
}

/** Batch work can be done again; a tool belongs to something that goes on; somebody watches the interactive. */
const ORDER: Readonly<Record<ProcKind, number>> = { batch: 0, tool: 1, interactive: 2, service: Infinity };

/** Who is to end, in this order, one at a time: the newest batch work first, for it has the least to lose; viewers last; services never. Nobody unless the level is `hard`. */
export function chooseVictims<T extends Candidate>(procs: readonly T[], level: MemoryLevel): T[] {
  if (level !== 'hard') return [];
  return procs
    .filter(({ kind, state }) => kind !== 'service' && state === 'running')
    .toSorted((a, b) => ORDER[a.kind] - ORDER[b.kind] || a.uptimeMs - b.uptimeMs || a.id.localeCompare(b.id));
}
