import { z } from 'zod';

export const thumbnailOrder = z.object({ videoId: z.uuid(), timestampSeconds: z.number(), width: z.number().int() });
export type ThumbnailOrder = z.infer<typeof thumbnailOrder>;
export const thumbnailResult = z.object({ width: z.number().int(), height: z.number().int() });
