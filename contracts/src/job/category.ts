import { z } from 'zod';

export const RESOURCE_CATEGORIES = ['cpu', 'gpu_encode', 'gpu_ai'] as const;
export const resourceCategorySchema = z.enum(RESOURCE_CATEGORIES);
export type ResourceCategory = z.infer<typeof resourceCategorySchema>;

/** Concurrent jobs per node and category when the node says nothing else (job-queue document, "Resource Categories"). */
export const DEFAULT_LIMITS: Readonly<Record<ResourceCategory, number>> = { cpu: 5, gpu_encode: 2, gpu_ai: 1 };

/** MB of VRAM of a device about which nothing is known (job-queue document, "VRAM Management"). */
export const DEFAULT_VRAM_MB = 16_000;

export const limitsSchema = z.object({
  cpu: z.int().min(0).max(1000),
  gpu_encode: z.int().min(0).max(1000),
  gpu_ai: z.int().min(0).max(1000),
});
export type CategoryLimits = z.infer<typeof limitsSchema>;
