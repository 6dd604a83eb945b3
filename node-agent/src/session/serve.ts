import { type SessionReply, sessionRequestSchema, subjects } from '@reelay/contracts';
import type { Bus, BusSubscription } from '@reelay/runtime/bus';
import type { Sessions } from './sessions.ts';

/** Answers gateways that want something encoded now. */
export function serveSessions(bus: Bus, nodeId: string, sessions: Sessions): BusSubscription {
  return bus.serve(subjects.agent(nodeId, 'session'), {}, sessionRequestSchema, (request): Promise<SessionReply> => sessions.handle(request));
}
