import { indexFacts, type IndexFacts, type MediaInfo } from '@reelay/contracts';
import type { Execute, Executed, JobRun } from '../agent-types.ts';
import { claimedSeconds, probeMedia, spokenSeconds } from '../media-probe.ts';
import { onlyInput } from '../order-files.ts';
import { countDecodeErrors } from './decode-check.ts';
import { readPacketIndex, sendPacketIndex } from './packets.ts';
import { validateOrder, type ValidateResult } from './result.ts';
import { extractSubtitles } from './subtitles.ts';

/**
 * Probes a video, reads its packet index and sends that ahead in parts. A file that is no media, empty or cut short
 * is a result like any other: `valid: false` with one sentence.
 */
export const executeValidate: Execute = async (run) => {
  const { deep } = validateOrder.parse(run.order.order);
  const input = onlyInput(run);
  const file = { sizeBytes: input.sizeBytes, mtimeMs: input.mtimeMs, inode: input.inode };
  const invalid = (reason: string, media: MediaInfo | null): Executed => {
    run.log(`Not valid: ${reason}`);
    return done({ valid: false, file, reason, media });
  };
  run.log(`Validating ${input.path}`);
  if (input.sizeBytes === 0) return invalid('The file is empty.', null);
  run.progress({ percent: 0, phase: 'probing', message: 'Reading the header' });
  const path = await run.input(input.name);
  const probed = await probeMedia(run, path, input.sizeBytes);
  if (probed.kind === 'unreadable') return invalid(probed.reason, probed.media);
  const { media } = probed;
  describe(run, media);
  const read = await readPacketIndex(run, path, media, input.sizeBytes, deep ? 50 : 85);
  if (read.kind === 'unreadable') return invalid(read.reason, media);
  const facts = indexFacts(read.index);
  const missing = missingPart(media, facts);
  if (missing !== null) return invalid(missing, media);
  if (deep) await countDecodeErrors(run, path, media, { from: 50, to: 90 });
  const { files, tracks } = await extractSubtitles(run, path, media, facts);
  const indexParts = await sendPacketIndex(run, read.index, { from: 90, to: 99 });
  run.log('Validation completed successfully');
  return { ...done({ valid: true, file, media, indexParts, indexFacts: facts, subtitles: tracks }), files };
};

const done = (result: ValidateResult): Executed => ({ files: [], result });

function describe(run: JobRun, media: MediaInfo): void {
  const streams = media.streams.map((stream) => (stream.width && stream.height ? `${stream.codec} ${stream.width}x${stream.height}` : `${stream.kind} ${stream.codec}`));
  const length = media.durationSeconds === null ? 'unknown length' : spokenSeconds(media.durationSeconds);
  run.log(`Found ${media.container}, ${length}: ${streams.join(', ')}`);
}

/** Less than this is how containers round, and how streams of one file differ in length. */
const TOLERANCE_SECONDS = 1;
const TOLERANCE_SHARE = 0.02;
const LARGEST_TOLERANCE_SECONDS = 10;

/** The sentence for a file that ends before the length its header gives, else null. */
export function missingPart(media: MediaInfo, facts: IndexFacts): string | null {
  const starts = facts.tracks.flatMap((track) => (track.startSeconds === null ? [] : [track.startSeconds]));
  const ends = facts.tracks.flatMap((track) => (track.endSeconds === null ? [] : [track.endSeconds]));
  if (facts.tracks.every((track) => track.packets === 0)) return 'The file holds no pictures and no sound, only a header.';
  const claimed = claimedSeconds(media);
  if (claimed === null || starts.length === 0) return null;
  const there = Math.max(...ends) - Math.min(...starts);
  const tolerance = Math.max(TOLERANCE_SECONDS, Math.min(LARGEST_TOLERANCE_SECONDS, claimed * TOLERANCE_SHARE));
  if (claimed - there <= tolerance) return null;
  return `The file is cut short: only ${there.toFixed(1)} of ${claimed.toFixed(1)} seconds are there.`;
}
