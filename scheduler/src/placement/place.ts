import type { WaitingJob } from '@reelay/store';
import { exclusions, fit, type Refusal } from './filter.ts';
import { inOrder } from './order.ts';
import { waitingReason } from './reason.ts';
import { type NodeRoom, roomOf, take } from './room.ts';
import { best, type Candidate } from './score.ts';
import type { PlacementInput, Policy, Verdict } from './types.ts';

/**
 * Decides for every waiting job: a device of a node, or why it waits.
 *
 * Jobs come in order of priority, ageing and age. A blocked job never stops one of another category, nor a smaller one
 * of its own: except that the first job which has waited `reserveAfterMs` for GPU memory gets the freest device that is
 * large enough kept for it, so that a stream of small jobs cannot starve it. (Without predicted run times nothing may be
 * filled in on that device meanwhile.)
 */
export const place = ({ jobs, fleet, policy, now }: PlacementInput): Verdict[] => {
  const rooms = fleet.map((node) => roomOf(node, policy.sessionVramMb));
  const blocked = new Map<string, string>();
  let reserved = false;
  return inOrder(jobs, now, policy.ageStepMs).map((job): Verdict => {
    const key = classKey(job, policy);
    const wait = (reason: string): Verdict => ({ kind: 'wait', jobId: job.id, requirementClass: job.requirementClass, reason });
    const known = blocked.get(key);
    if (known !== undefined) return wait(known);
    const { candidates, refusals } = search(job, rooms, policy);
    const chosen = best(candidates, job);
    if (chosen) {
      take(chosen.room, chosen.device, job.resourceCategory, job.vramRequired);
      const { node } = chosen.room;
      return { kind: 'place', jobId: job.id, placement: { jobId: job.id, nodeId: node.id, incarnation: node.incarnation, deviceId: chosen.device.device.id } };
    }
    const reason = waitingReason(job, refusals, policy);
    blocked.set(key, reason);
    if (!reserved && now.getTime() - job.createdAt.getTime() >= policy.reserveAfterMs) reserved = reserve(job, refusals);
    return wait(reason);
  });
};

/** Jobs with one key fit in the same places: once one of them is blocked, all later ones are. */
const classKey = (job: WaitingJob, policy: Policy): string => {
  const held = policy.heldOff.filter(({ jobId }) => jobId === job.id).map(({ nodeId }) => nodeId);
  return held.length === 0 ? job.requirementClass : `${job.requirementClass}|${held.toSorted().join()}`;
};

const search = (job: WaitingJob, rooms: readonly NodeRoom[], policy: Policy): { candidates: Candidate[]; refusals: Refusal[] } => {
  const excluded = exclusions(job, rooms);
  const candidates: Candidate[] = [];
  const refusals: Refusal[] = [];
  for (const room of rooms) {
    const result = fit(job, room, policy, excluded);
    if (result.kind === 'fits') for (const device of result.devices) candidates.push({ room, device });
    else refusals.push(result.refusal);
  }
  return { candidates, refusals };
};

/** Keeps the freest device that is large enough; false when memory is not what the job waits for. */
const reserve = (job: WaitingJob, refusals: readonly Refusal[]): boolean => {
  const devices = refusals
    .filter(({ dimension }) => dimension === 'vram')
    .flatMap(({ room }) => room.devices)
    .filter(({ device, reservedFor }) => device.totalMb >= job.vramRequired && reservedFor === null);
  const freest = devices.toSorted((a, b) => b.freeMb - a.freeMb)[0];
  if (freest) freest.reservedFor = job.id;
  return freest !== undefined;
};
