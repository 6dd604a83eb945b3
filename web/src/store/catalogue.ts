/** The job catalogue, loaded once per session. */
import type { CatalogueItem, JobType } from '@reelay/contracts';
import { api } from '../api.ts';

let loaded: Promise<readonly CatalogueItem[]> | null = null;

/** @throws {ApiError} when it cannot be loaded; the next call tries again */
export function loadCatalogue(): Promise<readonly CatalogueItem[]> {
  loaded ??= api.catalogue().then(
    ({ data }) => data,
    (error: unknown) => {
      loaded = null;
      throw error;
    },
  );
  return loaded;
}

/** Actions on one video, the documented four first, then the rest of the catalogue. */
export const VIDEO_ACTIONS: readonly JobType[] = ['reencode_streaming', 'thumbnail_generate', 'validate', 'move_to_library'];
