import { z } from 'zod';
import { queryBoolean } from './paging.ts';

const time = z.iso.datetime();

/** Longest wait for a file that a request may ask for, in seconds. */
export const MAX_FILE_WAIT_SECONDS = 60;

/** How a request that moves or deletes a file meets those who use it. */
export const fileUseQuery = z.strictObject({
  wait: z.coerce.number().min(0).max(MAX_FILE_WAIT_SECONDS).optional()
    .meta({ description: 'Seconds to wait until nobody uses the file any more; left out or 0: refused at once with `file_in_use`' }),
  force: queryBoolean.optional().meta({ description: 'Ends the streams that read the file (SUPER_ADMIN); a job that reads it is never ended' }),
});

export const fileHolderSchema = z.object({
  kind: z.enum(['gateway', 'job', 'writer']),
  /** `read` files can be read by others; whoever has or awaits a file with `write` has it alone. */
  mode: z.enum(['read', 'write']),
  /** In words: played by 2 viewers on gateway a. */
  text: z.string(),
  /** Gateway's start, job, or the ticket of a writer. */
  id: z.string(),
  since: time,
  /** Ends by itself then, unless renewed. */
  until: time,
});
export type FileHolder = z.infer<typeof fileHolderSchema>;

export const videoHoldersSchema = z.object({ data: z.array(fileHolderSchema) });

export const lockedFileSchema = z.object({
  /** Null for a file that no video has. */
  videoId: z.uuid().nullable(),
  title: z.string().nullable(),
  path: z.string(),
  holders: z.array(fileHolderSchema),
});
export const lockListSchema = z.object({ data: z.array(lockedFileSchema) });
