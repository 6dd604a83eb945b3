/** Parameters of every job type. Unknown keys are refused. */
import { z } from 'zod';

const videoId = z.uuid().meta({ title: 'Video', format: 'video-id' });
/** Relative to the library root; the gateway checks it again against the real file system. */
const libraryPath = z
  .string()
  .min(1)
  .max(1024)
  .refine((path) => !path.startsWith('/') && !path.split('/').includes('..') && !/[\u0000-\u001f\u007f]/.test(path), {
    message: 'must be a path inside the library, without .. and control characters',
  });
/** One folder name under library/. */
const directoryType = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9 _-]{0,63}$/, 'must be one folder name: letters, digits, space, _ or -')
  .default('videos');
const orientation = z.enum(['landscape', 'portrait', 'any']).default('landscape');
const presets = ['ultrafast', 'superfast', 'veryfast', 'faster', 'fast', 'medium', 'slow', 'slower', 'veryslow'] as const;
export const encoderPresetSchema = z.enum(presets);
const seconds = z.number().min(0).max(86_400);

const randomChoice = {
  count: z.int().min(1).max(500).default(10),
  minDuration: seconds.default(30),
  maxDuration: seconds.default(120),
  orientation,
  seed: z.int().optional(),
};

export const scanParams = z.strictObject({
  directoryType,
  skipExisting: z.boolean().default(true),
  recursive: z.boolean().default(true),
});
export const publicScanParams = z.strictObject({
  path: libraryPath.default('public'),
  skipExisting: z.boolean().default(true),
});
export const validateParams = z.strictObject({ videoId, deep: z.boolean().default(false) });

/** The document's four fields, and nothing else: what POST /api/media/jobs/reencode accepts. */
export const reencodeRequest = z.strictObject({
  videoId,
  targetBitrate: z.int().min(50).max(200_000).default(2000).meta({ unit: 'kbit/s' }),
  preset: encoderPresetSchema.default('medium'),
  crf: z.int().min(0).max(51).default(23),
});
export const reencodeParams = z
  .strictObject({
    videoId: videoId.optional(),
    inputPath: libraryPath.optional(),
    outputPath: libraryPath.optional(),
    targetBitrate: z.int().min(50).max(200_000).default(2000).meta({ unit: 'kbit/s' }),
    preset: encoderPresetSchema.default('medium'),
    crf: z.int().min(0).max(51).default(23),
    skipIfReady: z.boolean().default(false),
  })
  .refine((params) => params.videoId !== undefined || params.inputPath !== undefined, {
    message: 'give videoId or inputPath',
    path: ['videoId'],
  });

export const compileRandomParams = z.strictObject({
  ...randomChoice,
  outputPath: libraryPath.optional(),
  clipSeconds: seconds.optional(),
});
export const compileQuadParams = z.strictObject({
  videoIds: z.array(videoId).length(4).optional(),
  ...randomChoice,
  audio: z.enum(['first', 'mix', 'none']).default('first'),
  length: z.enum(['shortest', 'longest']).default('shortest'),
  outputPath: libraryPath.optional(),
});
export const compileMegaParams = z.strictObject({
  videoIds: z.array(videoId).min(1).max(500).optional(),
  ...randomChoice,
  titles: z.boolean().default(true),
  chapters: z.boolean().default(true),
  maxDurationSeconds: seconds.optional(),
  outputPath: libraryPath.optional(),
});
export const compileGifParams = z.strictObject({
  videoId,
  start: seconds.default(0),
  duration: z.number().min(0.1).max(120).default(5),
  width: z.int().min(16).max(3840).default(480),
  fps: z.number().min(1).max(60).default(12),
  maxBytes: z.int().min(1024).optional(),
  format: z.enum(['gif', 'webp']).default('gif'),
});
export const digestParams = z.strictObject({
  videoId,
  targetLength: z.number().min(1).max(7200).default(60),
  includeHighlights: z.boolean().default(true),
});
export const clipParams = z
  .strictObject({
    videoId,
    ranges: z.array(z.strictObject({ start: seconds, end: seconds })).min(1).max(200).optional(),
    from: z.enum(['digest', 'highlights', 'scenes']).optional(),
    top: z.int().min(1).max(100).default(5),
    mode: z.enum(['accurate', 'fast']).default('accurate'),
  })
  .refine((params) => (params.ranges === undefined) !== (params.from === undefined), {
    message: 'give either ranges or from',
    path: ['ranges'],
  });
export const highlightParams = z.strictObject({
  videoId,
  targetLength: z.number().min(1).max(7200).default(30),
  minGap: seconds.default(5),
});
export const tagParams = z.strictObject({
  videoId,
  models: z.array(z.string().min(1).max(64)).max(16).optional(),
  minScore: z.number().min(0).max(1).default(0.5),
  sampleSeconds: z.number().min(0.1).max(600).optional(),
});
export const sceneParams = z.strictObject({
  videoId,
  threshold: z.number().min(0).max(100).default(10),
  minSceneSeconds: seconds.default(1),
  clips: z.boolean().default(false),
});
export const thumbnailParams = z.strictObject({
  videoId,
  timestamp: seconds.optional().meta({ description: 'Seconds into the video; 25 % in when left out', unit: 's' }),
  width: z.int().min(16).max(3840).default(640).meta({ unit: 'px' }),
});
export const moveParams = z.strictObject({
  videoId,
  directoryType,
  onConflict: z.enum(['rename', 'fail', 'replace']).default('rename'),
  waitSeconds: z.int().min(0).max(3600).default(60).meta({ description: 'How long to wait while somebody plays the file or another job reads it', unit: 's' }),
});
