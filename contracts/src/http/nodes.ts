import { z } from 'zod';
import { limitsSchema } from '../job/category.ts';
import { deviceReportSchema, encoderTrialSchema, loadReportSchema } from '../nats/messages.ts';

export const nodeDeviceSchema = deviceReportSchema.extend({
  /** MB booked for jobs placed on this device. */
  bookedMb: z.int(),
});
export const nodeSchema = z.object({
  id: z.string(),
  name: z.string(),
  version: z.string(),
  health: z.enum(['healthy', 'silent', 'lost']),
  adminState: z.enum(['active', 'draining', 'cordoned']),
  /** When what still runs on a draining node is given back; null: it may finish. */
  drainDeadlineAt: z.iso.datetime().nullable(),
  encoder: z.string().nullable(),
  encoderTrials: z.array(encoderTrialSchema),
  ffmpegVersion: z.string().nullable(),
  devices: z.array(nodeDeviceSchema),
  limits: limitsSchema,
  /** Jobs placed on the node, by category. */
  running: limitsSchema,
  load: loadReportSchema,
  hasLibrary: z.boolean(),
  labels: z.record(z.string(), z.string()),
  registeredAt: z.iso.datetime(),
  lastSeenAt: z.iso.datetime(),
});
export type Node = z.infer<typeof nodeSchema>;
export const nodeListSchema = z.object({ data: z.array(nodeSchema) });
export const drainRequest = z.strictObject({ deadlineSeconds: z.int().min(0).max(86_400).optional() });

export const readySchema = z.object({
  status: z.enum(['ok', 'degraded', 'unavailable', 'stopping']),
  checks: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string().optional() })),
  nodes: z.object({ healthy: z.int(), total: z.int() }),
});
export type Ready = z.infer<typeof readySchema>;
