import type { Playback } from '@reelay/contracts';
import { errorCode } from '@reelay/runtime';
import type { VideoRow } from '@reelay/store';
import type { GatewayDeps } from '../deps.ts';
import { remuxSource } from './remux-source.ts';

/** Cutting takes milliseconds; on a disk that takes this long, the player's own request waits on. */
const AHEAD_MS = 5_000;

/**
 * Begins with what a player that starts at `startSeconds` will ask for first, while it still reads the playlists: pictures and
 * the sound that is on when nobody chooses. The viewer counts as one from here on. A failure is for the request that comes.
 */
export const cutAhead = (deps: GatewayDeps, video: VideoRow, playback: Pick<Playback, 'audioTracks'>, { viewer, startSeconds }: { viewer: string; startSeconds: number }): void => {
  // A gateway that leaves takes up nothing of its own accord.
  if (deps.drain.begun) return;
  const ctx = deps.requests.begin(`first segments of ${video.id}`, 'stream').withTimeout(AHEAD_MS, deps.clock);
  const cut = async (): Promise<void> => {
    const { video: current, release } = await deps.reads.read(video, { viewer, kind: 'stream' }, ctx);
    let failed = true;
    try {
      const pack = await deps.packages.open(current);
      const source = await remuxSource(deps, current);
      const wanted = new Set(['v0', playback.audioTracks.find(({ isDefault }) => isDefault)?.id]);
      const begun = source.renditions.filter(({ id }) => wanted.has(id));
      await Promise.all([
        ...begun.map(({ id }) => source.piece(id, pack.segmentAt(id, startSeconds), { viewer, ctx })),
        // Bare MP3 frames have none.
        ...begun.filter(({ contentType }) => contentType !== 'audio/mpeg').map(({ id }) => source.piece(id, 'init', { viewer, ctx })),
      ]);
      failed = false;
    } finally {
      release(failed);
    }
  };
  cut().catch((error: unknown) => deps.logger.debug({ videoId: video.id, code: errorCode(error) }, 'not cut ahead')).finally(() => ctx.end());
};
