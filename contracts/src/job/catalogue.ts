/** The job catalogue: one row per type. The API, the create form, the docs and the agents all read this table. */
import { z } from 'zod';
import type { ResourceCategory } from './category.ts';
import * as params from './params.ts';

export const JOB_TYPES = [
  'scan', 'public_scan', 'validate', 'reencode_streaming', 'compile_random', 'compile_quad', 'compile_mega',
  'compile_gif', 'digest_generate', 'clip_generate', 'highlight_generate', 'tag_generation', 'scene_extract',
  'thumbnail_generate', 'move_to_library',
] as const;
export const jobTypeSchema = z.enum(JOB_TYPES);
export type JobType = z.infer<typeof jobTypeSchema>;

export interface CatalogueEntry {
  readonly type: JobType;
  readonly title: string;
  readonly description: string;
  readonly category: ResourceCategory;
  /** MB booked on one device while the job runs. */
  readonly vramMb: number;
  readonly params: z.ZodType<Record<string, unknown>>;
  /** Time limit of an attempt: max(30 min, factor × media duration). */
  readonly timeLimitFactor: number;
  /** Seconds without progress after which the attempt is ended. */
  readonly stallSeconds: number;
  /** The node must hold the library itself: it lists folders. */
  readonly needsLibrary: boolean;
  /** The node must have a working H.264 encoder. */
  readonly needsEncoder: boolean;
  /** False until the type's three functions exist in this release; creating it is then refused with `type_unavailable`. */
  readonly available: boolean;
}

const entry = (
  type: JobType, title: string, description: string, category: ResourceCategory, vramMb: number,
  schema: z.ZodType<Record<string, unknown>>,
  more: Partial<Pick<CatalogueEntry, 'timeLimitFactor' | 'stallSeconds' | 'needsLibrary' | 'needsEncoder' | 'available'>> = {},
): CatalogueEntry => ({
  type, title, description, category, vramMb, params: schema,
  timeLimitFactor: 20, stallSeconds: 30, needsLibrary: false, needsEncoder: false, available: true, ...more,
});
const later = { available: false } as const;
const encodes = { needsEncoder: true } as const;

export const CATALOGUE: Readonly<Record<JobType, CatalogueEntry>> = {
  scan: entry('scan', 'Scan directory', 'Scan a library directory for new videos', 'cpu', 0, params.scanParams, { needsLibrary: true }),
  public_scan: entry('public_scan', 'Scan public gallery', 'Scan the public gallery directory', 'cpu', 0, params.publicScanParams, { needsLibrary: true }),
  validate: entry('validate', 'Validate Metadata', 'Probe a video, refresh its metadata and its packet index', 'cpu', 0, params.validateParams),
  reencode_streaming: entry('reencode_streaming', 'Re-encode for Streaming', 'Re-encode for web playback (H.264 and AAC in MP4)', 'gpu_encode', 4000, params.reencodeParams, encodes),
  compile_random: entry('compile_random', 'Random compilation', 'Join randomly chosen videos', 'gpu_encode', 2000, params.compileRandomParams, { ...encodes, ...later }),
  compile_quad: entry('compile_quad', 'Quad compilation', 'Four videos in a grid', 'gpu_encode', 4000, params.compileQuadParams, { ...encodes, ...later }),
  compile_mega: entry('compile_mega', 'Mega compilation', 'Join many videos with titles and chapters', 'gpu_encode', 6000, params.compileMegaParams, { ...encodes, ...later }),
  compile_gif: entry('compile_gif', 'Create GIF', 'Make an animated picture from a video', 'cpu', 0, params.compileGifParams, later),
  digest_generate: entry('digest_generate', 'Generate digest', 'A short digest of a video', 'gpu_ai', 8000, params.digestParams, later),
  clip_generate: entry('clip_generate', 'Generate clips', 'Cut clips from a digest, highlights, scenes or given ranges', 'gpu_ai', 6000, params.clipParams, later),
  highlight_generate: entry('highlight_generate', 'Generate highlights', 'Make a highlight reel', 'gpu_ai', 8000, params.highlightParams, later),
  tag_generation: entry('tag_generation', 'Generate tags', 'Tag a video by what is in it', 'gpu_ai', 6000, params.tagParams, later),
  scene_extract: entry('scene_extract', 'Extract scenes', 'Detect scenes and optionally cut them', 'gpu_ai', 8000, params.sceneParams, later),
  thumbnail_generate: entry('thumbnail_generate', 'Generate Thumbnail', 'Take a picture from a video', 'cpu', 0, params.thumbnailParams),
  move_to_library: entry('move_to_library', 'Move to Directory', 'Move a video from the inbox into a library directory', 'cpu', 0, params.moveParams),
};

export interface CatalogueItem {
  type: JobType;
  title: string;
  description: string;
  category: ResourceCategory;
  vramMb: number;
  available: boolean;
  paramsSchema: Record<string, unknown>;
}

/** The catalogue as JSON, parameters as JSON Schema (draft 2020-12): GET /api/media/catalogue. */
export const catalogueItems = (): CatalogueItem[] =>
  JOB_TYPES.map((type) => {
    const { title, description, category, vramMb, available, params: schema } = CATALOGUE[type];
    return { type, title, description, category, vramMb, available, paramsSchema: { ...z.toJSONSchema(schema, { io: 'input' }) } };
  });

/** Priority of the queue: 1 is first, 10 is last (job-queue document). */
export const prioritySchema = z.int().min(1).max(10);
export const DEFAULT_PRIORITY = 5;
export const DEFAULT_MAX_RETRIES = 3;
