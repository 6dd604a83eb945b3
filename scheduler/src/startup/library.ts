import { type Clock, type Ctx, ensureWritableFolder, EXIT_CODES, LibraryRoot, readLibraryId, ReelayError, sleep } from '@reelay/runtime';

/** The folder is not the library that the gateway knows. */
class LibraryNotThere extends ReelayError {
  readonly code = 'library_not_there';
  override readonly serviceExit = EXIT_CODES.configuration;
}

const RETRY_MS = 100;

export interface LibraryStart {
  path: string;
  /** The id that the gateway has written down; null when it has none yet. */
  knownId: () => Promise<unknown>;
  waitMs: number;
  ctx: Ctx;
  clock: Clock;
}

/**
 * Opens the library that the gateway has made. It makes none itself: a folder whose disk is not mounted would become one.
 * @throws LibraryNotThere, FolderUnusable, or the cause when `ctx` ends
 */
export const openLibrary = async ({ path, knownId, waitMs, ctx, clock }: LibraryStart): Promise<{ library: LibraryRoot; libraryId: string }> => {
  const startedMs = clock.monotonicMs();
  for (;;) {
    const [known, found] = [await knownId(), await readLibraryId(path).catch(() => null)];
    if (found !== null && found === known) {
      await ensureWritableFolder(path, 'MEDIA_LIBRARY_PATH');
      return { library: await LibraryRoot.open(path), libraryId: found };
    }
    if (clock.monotonicMs() - startedMs > waitMs) throw refusal(path, known, found);
    await sleep(ctx, clock, RETRY_MS);
  }
};

const refusal = (path: string, known: unknown, found: string | null): LibraryNotThere => {
  const why = typeof known !== 'string' ? 'no gateway has prepared a media library yet; start one'
    : found === null ? `${path} is not the media library: mount its disk, or set MEDIA_LIBRARY_PATH to where it is`
      : `${path} is another media library than the gateway's; set MEDIA_LIBRARY_PATH to the same one`;
  return new LibraryNotThere(why, { path, known, found });
};
