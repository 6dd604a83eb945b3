import { mediaInfoSchema, subtitleTracksSchema } from '@reelay/contracts';
import { z } from 'zod';

const fileIdentity = z.object({ sizeBytes: z.number(), mtimeMs: z.number(), inode: z.string() });

/** Name of the one output: all subtitles. */
export const SUBTITLES = 'subtitles';
/** A subtitle file beside the video, which is the input of that name. */
export const sidecarSchema = z.object({ name: z.string(), language: z.string().nullable(), isForced: z.boolean(), isForDeaf: z.boolean() });
export type Sidecar = z.infer<typeof sidecarSchema>;
export const validateOrder = z.object({ videoId: z.uuid(), deep: z.boolean() });
export const validateResult = z.discriminatedUnion('valid', [
  z.object({
    valid: z.literal(true),
    file: fileIdentity,
    media: mediaInfoSchema,
    /** Number of `index` blob parts sent ahead as effect batches; 0 when the file has no usable index. */
    indexParts: z.number().int(),
    /** What playback needs to know without reading the index (contracts: IndexFacts). */
    indexFacts: z.record(z.string(), z.unknown()),
    /** Where each track lies in the output named `subtitles`; empty when there is none. */
    subtitles: subtitleTracksSchema.default([]),
  }),
  z.object({ valid: z.literal(false), file: fileIdentity.nullable(), reason: z.string().max(1000), media: mediaInfoSchema.nullable() }),
]);
export type ValidateResult = z.infer<typeof validateResult>;
/** Effect batch: one part of the packet index, base64. */
export const indexPartBatch = z.object({ kind: z.literal('index'), part: z.number().int().min(0), data: z.string().max(480_000) });
