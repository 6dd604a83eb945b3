import { storyboardSchema } from '@reelay/contracts';
import { z } from 'zod';

/** Name of the second output: the sheets of small pictures. */
export const STORYBOARD = 'storyboard';
const storyboardPlan = z.object({
  intervalSeconds: z.number().positive(), pictures: z.number().int().min(1), columns: z.number().int().min(1), rows: z.number().int().min(1), tileWidth: z.number().int().min(2),
  /** Faster, and near enough for a long film. */
  keyframesOnly: z.boolean(),
});
export type StoryboardPlan = z.infer<typeof storyboardPlan>;
export const thumbnailOrder = z.object({ videoId: z.uuid(), timestampSeconds: z.number(), width: z.number().int(), storyboard: storyboardPlan.nullable().default(null) });
export type ThumbnailOrder = z.infer<typeof thumbnailOrder>;
export const thumbnailResult = z.object({ width: z.number().int(), height: z.number().int(), storyboard: storyboardSchema.nullable().default(null) });
