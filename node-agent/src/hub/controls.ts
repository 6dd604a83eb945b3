import { assignReplySchema, assignSchema, type AssignReply, type AttemptRef, cancelSchema, type ControlReply, drainSchema, pauseSchema, subjects } from '@reelay/contracts';
import type { z } from 'zod';
import type { Bus, BusSubscription } from '@reelay/runtime/bus';
import type { Attempts } from '../attempts/attempts.ts';
import { type EndReason, unreachable } from '../attempts/end-reason.ts';

export interface ControlsOptions {
  bus: Bus;
  nodeId: string;
  incarnation: string;
  attempts: Attempts;
  /** `deadlineMs`: what still runs then is given back. */
  setDraining: (draining: boolean, deadlineMs: number | undefined) => void;
}

type KillReason = z.infer<typeof cancelSchema>['reason'];

/** What runs when the deadline of a drain comes. */
export const DRAINED: EndReason = { kind: 'released', by: 'drain', reason: 'the node is drained and its time to finish was over' };

/** Why the hub wants an attempt ended, in our words. */
export function endReasonOf(reason: KillReason, why?: 'drain'): EndReason {
  switch (reason) {
    case 'released':
      return why === 'drain' ? DRAINED : { kind: 'released', by: 'pause', reason: 'given back on request' };
    case 'stale':
      return { kind: 'stale', why: 'the hub gave the job to another attempt' };
    case 'cancelled':
      return { kind: 'cancelled' };
    default:
      return unreachable(reason);
  }
}

/** Answers what the hub asks of this node. Returns the subscriptions. */
export function serveControls({ bus, nodeId, incarnation, attempts, setDraining }: ControlsOptions): BusSubscription[] {
  const control = (ref: AttemptRef, fn: (attempt: NonNullable<ReturnType<Attempts['find']>>) => boolean): ControlReply => {
    const attempt = attempts.find(ref);
    return { ok: true, known: attempt ? fn(attempt) : false };
  };
  return [
    bus.serve(subjects.agent(nodeId, 'assign'), {}, assignSchema, (message): AssignReply => {
      const results = message.orders.map((order) => {
        if (message.incarnation === incarnation) return attempts.assign(order);
        const detail = 'this is another start of the node';
        return { jobId: order.jobId, epoch: order.epoch, accepted: false, refusal: { code: 'wrong_incarnation' as const, detail } };
      });
      return assignReplySchema.parse({ ok: true, results });
    }),
    bus.serve(subjects.agent(nodeId, 'cancel'), {}, cancelSchema, (message) => control(message, (attempt) => {
      attempt.end(endReasonOf(message.reason));
      return true;
    })),
    bus.serve(subjects.agent(nodeId, 'pause'), {}, pauseSchema, (message) => control(message, (attempt) => attempt.freeze())),
    bus.serve(subjects.agent(nodeId, 'resume'), {}, pauseSchema, (message) => control(message, (attempt) => attempt.thaw())),
    bus.serve(subjects.agent(nodeId, 'drain'), {}, drainSchema, ({ draining, deadlineMs }): ControlReply => {
      setDraining(draining, deadlineMs);
      return { ok: true, known: true };
    }),
  ];
}
