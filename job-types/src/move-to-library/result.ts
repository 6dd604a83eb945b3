import { z } from 'zod';

export const moveOrder = z.object({ videoId: z.uuid(), from: z.string(), to: z.string() });
export type MoveOrder = z.infer<typeof moveOrder>;
/** How the part file came to be: a hard link (same file system) or a verified copy. */
export const moveResult = z.object({ method: z.enum(['link', 'copy']) });
