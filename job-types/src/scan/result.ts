import { mediaInfoSchema } from '@reelay/contracts';
import { z } from 'zod';

/** Shared by `scan` and `public_scan`. */
export const scanOrder = z.object({
  /** Folder relative to the library root. */
  folder: z.string(),
  skipExisting: z.boolean(),
  recursive: z.boolean(),
  isPublic: z.boolean(),
});
export type ScanOrder = z.infer<typeof scanOrder>;
const fileSchema = z.object({ path: z.string().max(1024), sizeBytes: z.number(), mtimeMs: z.number(), inode: z.string() });
/** First question of the agent: which of these files does the hub not know? Reply: {unknown: string[]}. */
const listingBatch = z.object({ kind: z.literal('listing'), files: z.array(fileSchema).max(500) });
/** Then the probed ones. Reply: {created: number, updated: number}. */
export const probedBatch = z.object({
  kind: z.literal('probed'),
  files: z.array(fileSchema.extend({ media: mediaInfoSchema.nullable(), invalidReason: z.string().max(1000).nullable() })).max(100),
});
export const scanBatch = z.discriminatedUnion('kind', [listingBatch, probedBatch]);
export const scanResult = z.object({ found: z.number().int(), known: z.number().int(), created: z.number().int(), updated: z.number().int(), invalid: z.number().int() });
export type ScanResult = z.infer<typeof scanResult>;
