import { type Clock, delay, ReelayError, systemClock } from '@reelay/runtime';
import { z } from 'zod';

/** The system did not become ready in time. */
class NotReady extends ReelayError {
  readonly code = 'not_ready';
  constructor(waitedMs: number, state: string) {
    super(`the system was not ready after ${Math.round(waitedMs / 1000)} s (${state}); its log above says why`, { waitedMs, state });
  }
}

const POLL_MS = 50;
const REQUEST_MS = 2_000;
const readyzSchema = z.looseObject({ status: z.string(), nodes: z.looseObject({ healthy: z.number() }).optional() });

/** In words: what is still missing; null when nothing is. */
async function whatIsMissing(baseUrl: string, withNode: boolean): Promise<string | null> {
  try {
    const response = await fetch(`${baseUrl}/readyz`, { signal: AbortSignal.timeout(REQUEST_MS) });
    const body = readyzSchema.safeParse(await response.json());
    if (response.status !== 200) return `/readyz answers ${response.status}`;
    if (!body.success) return '/readyz gives an unknown answer';
    return withNode && (body.data.nodes?.healthy ?? 0) === 0 ? 'no healthy node yet' : null;
  } catch {
    return 'the gateway does not answer';
  }
}

/** Resolves when /readyz is 200 and, if asked, a node is healthy. @throws NotReady */
export async function untilReady(baseUrl: string, options: { withNode: boolean; limitMs: number; isStopping: () => boolean; clock?: Clock | undefined }): Promise<void> {
  const { withNode, limitMs, isStopping, clock = systemClock } = options;
  const startedMs = clock.monotonicMs();
  for (;;) {
    const missing = await whatIsMissing(baseUrl, withNode);
    if (missing === null || isStopping()) return;
    const waitedMs = clock.monotonicMs() - startedMs;
    if (waitedMs > limitMs) throw new NotReady(waitedMs, missing);
    await delay(clock, POLL_MS);
  }
}
