import { Ctx, unlessCancelled } from '@reelay/runtime';
import type { VideoRow } from '@reelay/store';
import type { GatewayDeps } from '../deps.ts';
import type { RequestContext } from '../http/env.ts';
import type { StreamSource } from './source.ts';

/** Cutting takes milliseconds; a disk that takes this long does not answer. */
const CUT_MS = 30_000;

/** The stream that is cut from the file in this process. Segments are kept in memory, where the next viewer finds them. */
export const remuxSource = async (deps: GatewayDeps, c: RequestContext, video: VideoRow): Promise<StreamSource> => {
  const pack = await deps.packages.open(video);
  const { version } = pack;
  const cut = async (id: string, name: 'init' | number): Promise<Uint8Array> => {
    if (name === 'init') return pack.init(id);
    // Of its own: whoever asked first may leave while others wait.
    const ctx = Ctx.root(`segment ${id}/${name}`).withTimeout(CUT_MS, deps.clock);
    try {
      return await pack.segment(id, name, ctx.signal);
    } finally {
      ctx.end();
    }
  };
  return {
    version, renditions: pack.renditions, masterPlaylist: () => pack.masterPlaylist(), mediaPlaylist: (id) => pack.mediaPlaylist(id),
    piece: (id, name) => unlessCancelled(c.var.ctx, deps.cache.getOrMake({ version, rendition: id, name: String(name) }, () => cut(id, name), 'memory')),
  };
};
