import { mediaInfoSchema } from '@reelay/contracts';
import { z } from 'zod';

export const reencodeOrder = z.object({
  /** null when the job names a file that has no record. */
  videoId: z.uuid().nullable(),
  targetBitrate: z.number(),
  preset: z.string(),
  crf: z.number(),
  skipIfReady: z.boolean(),
  durationSeconds: z.number().nullable(),
  /** What an earlier probe found, and in which file: when it is still this one, the encoder starts without probing again. */
  probed: z.object({ media: mediaInfoSchema, sizeBytes: z.number(), mtimeMs: z.number() }).nullable().default(null),
});
export type ReencodeOrder = z.infer<typeof reencodeOrder>;
export const reencodeResult = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('encoded'), media: mediaInfoSchema, encoder: z.string() }),
  /** skipIfReady and the source already fits. */
  z.object({ kind: z.literal('skipped'), reason: z.string() }),
]);
export type ReencodeResult = z.infer<typeof reencodeResult>;
