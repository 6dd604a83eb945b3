import { type LeaderMetrics, subjects } from '@reelay/contracts';
import type { BusSubscription } from '@reelay/runtime/bus';
import { readQueueCounts } from '@reelay/store';
import { z } from 'zod';
import type { Deps } from '../deps.ts';

/** Answers for the queue's numbers while this process leads: one place, so that every gateway shows the same. */
export const serveMetrics = ({ bus, sql }: Pick<Deps, 'bus' | 'sql'>): BusSubscription =>
  bus.serve(subjects.metrics, {}, z.unknown(), async (): Promise<LeaderMetrics> => ({ ok: true, ...(await readQueueCounts(sql)) }));
