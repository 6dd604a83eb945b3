import { mkdir, statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Clock, Logger } from '@reelay/runtime';
import type { GatewaySettings } from '../settings.ts';
import { SegmentCache } from './segment-cache.ts';

const MB = 1_000_000;
/** The rest is for everything else on that disk. */
const SHARE_OF_FREE = 0.5;

/** The cache as the settings want it, as far as the disk has room. @throws when its folder cannot be made */
export const openCache = async (settings: GatewaySettings, options: { clock: Clock; logger: Logger; newId: () => string }): Promise<SegmentCache> => {
  const dir = resolve(settings.REELAY_CACHE_DIR ?? join(settings.REELAY_DATA_DIR, 'segments'));
  await mkdir(dir, { recursive: true });
  const wantedBytes = settings.REELAY_CACHE_MB * MB;
  const cache = await SegmentCache.open({ ...options, dir, maxBytes: wantedBytes, hotBytes: settings.REELAY_CACHE_MEMORY_MB * MB });
  const { bavail, bsize } = await statfs(dir);
  const maxBytes = Math.floor(Math.min(wantedBytes, cache.stats().diskBytes + bavail * bsize * SHARE_OF_FREE));
  await cache.limitTo(maxBytes);
  if (maxBytes < wantedBytes) options.logger.warn({ dir, maxBytes, wantedBytes }, 'the disk has room for fewer segments than the settings allow');
  return cache;
};
