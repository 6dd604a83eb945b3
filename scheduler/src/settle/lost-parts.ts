import { toError } from '@reelay/runtime';
import type { LostJob } from '@reelay/store';
import type { Deps } from '../deps.ts';
import { removeFiles } from './publish.ts';

/** Removes the part files of attempts that were just lost: nobody may publish them any more. */
export const dropLostParts = async ({ library, logger }: Pick<Deps, 'library' | 'logger'>, lost: readonly LostJob[]): Promise<void> => {
  const parts = lost.flatMap(({ workOrder }) => workOrder?.outputs.map(({ partPath }) => partPath) ?? []);
  await removeFiles(library, parts).catch((error: unknown) => logger.warn({ err: toError(error) }, 'parts of lost attempts not removed'));
};
