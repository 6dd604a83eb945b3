import { mainStream, type MediaInfo } from '@reelay/contracts';
import { stat } from 'node:fs/promises';
import { JobFailed, type JobRun } from '../agent-types.ts';
import { claimedSeconds, probeMedia } from '../media-probe.ts';

const TOLERANCE_SECONDS = 1;
const TOLERANCE_SHARE = 0.02;

/** Probes the encoded file and compares it with its source. @throws JobFailed when it is not what was asked for */
export async function verifyEncoded(run: JobRun, path: string, source: MediaInfo): Promise<MediaInfo> {
  const { size } = await stat(path);
  const probed = await probeMedia(run, path, size);
  if (probed.kind === 'unreadable') throw new JobFailed('output_invalid', `The encoded file cannot be used: ${probed.reason}`, true);
  const problem = compare(probed.media, source);
  if (problem !== null) throw new JobFailed('output_invalid', problem, true);
  return probed.media;
}

/** What is wrong with the output, in one sentence, or null. */
export function compare(output: MediaInfo, source: MediaInfo): string | null {
  if (mainStream(output, 'video')?.codec !== 'h264') return 'The encoded file has no H.264 video.';
  if (mainStream(source, 'audio') && !mainStream(output, 'audio')) return 'The encoded file lost its sound.';
  const wanted = claimedSeconds(source);
  const got = claimedSeconds(output);
  if (wanted === null) return null;
  if (got === null) return 'The encoded file does not say how long it is.';
  const tolerance = Math.max(TOLERANCE_SECONDS, wanted * TOLERANCE_SHARE);
  return Math.abs(got - wanted) <= tolerance ? null : `The encoded file is ${got.toFixed(1)} s long, but its source ${wanted.toFixed(1)} s.`;
}
