import { identify, type LibraryRoot } from '@reelay/runtime';
import type { VideoRow } from '@reelay/store';
import { HttpProblem } from '../http/problem.ts';
import type { SessionOrder } from './node-session.ts';

/** The file at `path`, where the video lies now, as a node is told of it. @throws HttpProblem version_gone when it is not what was validated */
export async function unchangedSource(library: LibraryRoot, video: VideoRow, path: string): Promise<SessionOrder['source']> {
  const { sizeBytes, mtimeMs, inode } = await identify(await library.resolveExisting(path));
  if (sizeBytes !== video.sizeBytes || mtimeMs !== video.mtimeMs) throw new HttpProblem('version_gone', 'The file changed; run “Validate Metadata” on the video');
  return { path, sizeBytes, mtimeMs, inode };
}
