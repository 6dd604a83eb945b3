import type { VideoRow } from '@reelay/store';
import type { GatewayDeps } from '../deps.ts';
import { HttpProblem } from '../http/problem.ts';
import type { EncodedRendition, EncodedStream } from '../sessions/encoded-stream.ts';
import { encodedMasterPlaylist, encodedMediaPlaylist } from '../sessions/playlists.ts';
import type { StreamSource } from './source.ts';

/** The stream that nodes encode while somebody watches. @throws NotEncodable */
export const encodedSource = async (deps: GatewayDeps, video: VideoRow): Promise<StreamSource> => {
  const planned = await deps.encoded.open(video);
  const { stream } = planned;
  return {
    version: stream.version,
    renditions: stream.renditions.map(({ id, segments, recipe }) => ({ id, segments, contentType: `${recipe.kind}/mp4` })),
    originSeconds: stream.originSeconds,
    durationSeconds: stream.durationSeconds,
    masterPlaylist: (subtitles) => encodedMasterPlaylist(stream, subtitles),
    // Winding through keyframes that nobody has encoded would start an encoder for each.
    iframePlaylist: null,
    mediaPlaylist: (id) => encodedMediaPlaylist(stream, renditionOf(stream, id)),
    cached: (renditionId, name) => deps.cache.find({ version: stream.version, rendition: renditionId, name: String(name) }),
    piece: (renditionId, name, { viewer, ctx }) => {
      const { segments } = renditionOf(stream, renditionId);
      if (name !== 'init' && name >= segments) throw new HttpProblem('segment_not_found', `${renditionId} has ${segments} segments`);
      return deps.sessions.piece(video, planned, { renditionId, name, viewer }, ctx);
    },
  };
};

/** @throws HttpProblem segment_not_found */
const renditionOf = (stream: EncodedStream, id: string): EncodedRendition => {
  const found = stream.renditions.find((rendition) => rendition.id === id);
  if (found === undefined) throw new HttpProblem('segment_not_found', `There is no rendition ${id}`);
  return found;
};
