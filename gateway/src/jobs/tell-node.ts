import { type AgentTopic, type AttemptRef, controlReplySchema, PROTOCOL_VERSION, subjects } from '@reelay/contracts';
import { errorCode, type Logger } from '@reelay/runtime';
import type { Bus } from '@reelay/runtime/bus';

const TIMEOUT_MS = 1_500;

/**
 * Tells a node at once what is stored already. True when it knew the attempt. A node that cannot be reached learns it
 * with its next heartbeat (the kill list), so nothing is thrown.
 */
export const tellNode = async (
  deps: { bus: Bus; logger: Logger }, nodeId: string, topic: Extract<AgentTopic, 'cancel' | 'pause' | 'resume'>,
  attempt: AttemptRef & { reason?: 'cancelled' | 'released' },
): Promise<boolean> => {
  try {
    const reply = await deps.bus.request(subjects.agent(nodeId, topic), { v: PROTOCOL_VERSION, ...attempt }, { timeoutMs: TIMEOUT_MS, schema: controlReplySchema });
    return reply.known;
  } catch (error) {
    deps.logger.warn({ nodeId, topic, jobId: attempt.jobId, code: errorCode(error) }, 'node not told');
    return false;
  }
};
