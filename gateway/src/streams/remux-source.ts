import { Ctx, unlessCancelled } from '@reelay/runtime';
import { bytesHeldForClients } from '../http/direct-body.ts';
import type { VideoRow } from '@reelay/store';
import type { Piece, PieceFile, PieceKey } from '../cache/piece.ts';
import type { GatewayDeps } from '../deps.ts';
import type { MediaPackage } from '../packaging/package.ts';
import type { StreamSource } from './source.ts';

/** Cutting takes milliseconds; a disk that takes this long does not answer. */
const CUT_MS = 30_000;

/** So much may wait in memory for clients to take it, besides what the cache keeps there. */
const MOST_HELD_BYTES = 128_000_000;

/** The rendition of keyframes alone. */
const IFRAMES = 'i0';

/** One for each film that is open. */
const sources = new WeakMap<MediaPackage, StreamSource>();

/** The stream that is cut from the file in this process. Segments are kept in memory, where the next viewer finds them. */
export const remuxSource = async (deps: GatewayDeps, video: VideoRow): Promise<StreamSource> => {
  const pack = await deps.packages.open(video);
  const known = sources.get(pack);
  if (known !== undefined) return known;
  const source = sourceOf(deps, pack);
  sources.set(pack, source);
  return source;
};

const sourceOf = (deps: GatewayDeps, pack: MediaPackage): StreamSource => {
  const { version } = pack;
  const cut = async (id: string, name: 'init' | number): Promise<Uint8Array> => {
    if (name === 'init') return pack.init(id);
    // Of its own: whoever asked first may leave while others wait.
    const ctx = Ctx.root(`segment ${id}/${name}`).withTimeout(CUT_MS, deps.clock);
    try {
      return await (id === IFRAMES ? pack.iframe(name, ctx.signal) : pack.segment(id, name, ctx.signal));
    } finally {
      ctx.end();
    }
  };
  const pieceOf = async (key: PieceKey, make: () => Promise<Uint8Array>): Promise<Piece | PieceFile> => {
    if (bytesHeldForClients() < MOST_HELD_BYTES) return deps.cache.getOrMake(key, make, 'memory');
    // Hundreds who read slowly: what they are still to get waits on the disk.
    const there = await deps.cache.fileOf(key);
    if (there !== null) return there;
    const made = await deps.cache.getOrMake(key, make, 'disk');
    return (await deps.cache.fileOf(key)) ?? made;
  };
  return {
    version, originSeconds: pack.originSeconds, durationSeconds: pack.durationSeconds,
    renditions: [...pack.renditions, ...(pack.iframes > 0 ? [{ id: IFRAMES, segments: pack.iframes, contentType: 'video/mp4' }] : [])],
    masterPlaylist: (subtitles) => pack.masterPlaylist(subtitles),
    mediaPlaylist: (id) => (id === IFRAMES ? pack.iframePlaylist({ pieces: '', init: '../v0/init.mp4' }) : pack.mediaPlaylist(id)),
    iframePlaylist: pack.iframes > 0 ? () => pack.iframePlaylist({ pieces: `${IFRAMES}/`, init: 'v0/init.mp4' }) : null,
    cached: (id, name) => deps.cache.get({ version, rendition: id, name: String(name) }),
    piece: async (id, name, { ctx }) => {
      const key = { version, rendition: id, name: String(name) };
      const there = bytesHeldForClients() < MOST_HELD_BYTES ? deps.cache.inMemory(key) : null;
      return there ?? unlessCancelled(ctx, pieceOf(key, () => cut(id, name)));
    },
  };
};
