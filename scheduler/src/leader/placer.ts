import type { Logger } from '@reelay/runtime';
import { type ClassVerdict, commitPlacements, type FleetNode, type Lease, readQueueView, saveVerdicts, unplaceDraining } from '@reelay/store';
import type { Assigner } from '../assign/assigner.ts';
import type { HoldOffs } from '../assign/hold-off.ts';
import type { Deps } from '../deps.ts';
import { place } from '../placement/place.ts';
import type { Verdict } from '../placement/types.ts';

/** Waiting jobs looked at per category and priority: more than any fleet takes in one pass. */
const VIEW_PER_PRIORITY = 100;
const POLICY = { ageStepMs: 10 * 60_000, reserveAfterMs: 2 * 60_000, minDiskFreeBytes: 256e6, sessionVramMb: 1_500 };

/** One placement pass: view, decide, commit, offer, and store why the rest waits. */
export class Placer {
  readonly #deps: Deps;
  readonly #assigner: Assigner;
  readonly #holdOffs: HoldOffs;
  readonly #logger: Logger;
  /** Reasons as stored, so that a pass which changes none writes none; null = unknown. */
  #stored: string | null = null;

  constructor(deps: Deps, assigner: Assigner, holdOffs: HoldOffs) {
    this.#deps = deps;
    this.#assigner = assigner;
    this.#holdOffs = holdOffs;
    this.#logger = deps.logger.child({ part: 'place' });
  }

  /** Another leader may have written reasons since. */
  forget(): void {
    this.#stored = null;
  }

  /** @throws LeaseLostError */
  async pass(lease: Lease): Promise<void> {
    const { sql, libraryId, timing, hints } = this.#deps;
    const { jobs, fleet, now } = await readQueueView(sql, VIEW_PER_PRIORITY);
    if (fleet.some(isDraining)) await this.#takeBack();
    const verdicts = place({ jobs, fleet, now, policy: { ...POLICY, libraryId, heldOff: this.#holdOffs.current() } });
    const placements = verdicts.flatMap((verdict) => (verdict.kind === 'place' ? [verdict.placement] : []));
    if (placements.length > 0) {
      const placed = await commitPlacements(sql, lease, placements, timing.leaseMs);
      this.#logger.debug({ waiting: jobs.length, decided: placements.length, placed: placed.length }, 'placed');
      this.#assigner.offer(placed);
      hints.outbox();
    }
    await this.#store(lease, classVerdicts(verdicts));
  }

  /** What a draining node has not started yet; the hint has the rest of the fleet looked at for it. */
  async #takeBack(): Promise<void> {
    const taken = await unplaceDraining(this.#deps.sql);
    if (taken.length === 0) return;
    this.#logger.info({ count: taken.length }, 'jobs taken back from draining nodes');
    this.#deps.hints.changed();
  }

  async #store(lease: Lease, verdicts: readonly ClassVerdict[]): Promise<void> {
    const text = JSON.stringify(verdicts);
    if (text === this.#stored) return;
    this.#stored = null;
    await saveVerdicts(this.#deps.sql, lease, verdicts);
    this.#stored = text;
  }
}

/** And holds jobs, which may not have been started yet. */
const isDraining = ({ adminState, slots }: FleetNode): boolean => adminState === 'draining' && slots.cpu + slots.gpu_encode + slots.gpu_ai > 0;

/** One reason per class, in a fixed order. */
const classVerdicts = (verdicts: readonly Verdict[]): ClassVerdict[] => {
  const reasons = new Map<string, string>();
  for (const verdict of verdicts) {
    if (verdict.kind === 'wait' && !reasons.has(verdict.requirementClass)) reasons.set(verdict.requirementClass, verdict.reason);
  }
  return [...reasons].map(([requirementClass, reason]) => ({ requirementClass, reason })).toSorted((a, b) => (a.requirementClass < b.requirementClass ? -1 : 1));
};
