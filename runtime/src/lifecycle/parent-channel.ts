import { z } from 'zod';

/** What a service tells the process that started it and waits. */
export const parentMessageSchema = z.union([
  z.looseObject({ ready: z.literal(true), failed: z.undefined().optional(), /** For people; may hold a password. */ words: z.string().optional() }),
  z.object({ ready: z.undefined().optional(), failed: z.array(z.string()), exitCode: z.number() }),
]);
export type ParentMessage = z.infer<typeof parentMessageSchema>;

/** Does nothing when nobody waits. */
export function tellParent(message: Record<string, unknown>): void {
  if (process.connected) process.send?.(message, () => {});
}
