import { errorCode } from '@reelay/runtime';
import type { GatewayDeps } from '../deps.ts';
import { HttpProblem } from '../http/problem.ts';
import { NoPlace } from '../sessions/errors.ts';

/** What a stream's troubles mean to a player. Those that pass say so; none is ever cached. `version` null: of no segments. */
export const streamProblem = async (deps: Pick<GatewayDeps, 'packages' | 'cache'>, videoId: string, version: string | null, error: unknown): Promise<unknown> => {
  const detail = error instanceof Error ? error.message : '';
  switch (errorCode(error) ?? '') {
    case 'unknown_rendition':
    case 'segment_out_of_range':
      return new HttpProblem('segment_not_found', detail, { cause: error });
    case 'source_changed':
    case 'file_not_found':
      deps.packages.forget(videoId);
      if (version !== null) await deps.cache.deleteVersion(version);
      return new HttpProblem('version_gone', 'The file changed; run “Validate Metadata” on the video', { cause: error });
    case 'not_remuxable':
    case 'parameter_sets_changed':
    case 'not_encodable':
      return new HttpProblem('not_playable', detail, { cause: error });
    case 'encoding_failed':
      return new HttpProblem('encoding_failed', detail, { cause: error });
    case 'encoding_slow':
      return new HttpProblem('encoding_slow', detail, { cause: error, headers: { 'retry-after': '1' } });
    case 'session_lost':
      return new HttpProblem('no_encoder', `The encoder was lost: ${detail}.`, { cause: error, headers: { 'retry-after': '1' } });
    case 'no_encoder':
      return new HttpProblem('no_encoder', detail, { cause: error, headers: { 'retry-after': String(error instanceof NoPlace ? error.retryAfterSeconds : 1) } });
    default:
      return error;
  }
};
