import { PacketFlag } from '@reelay/contracts';
import { NotRemuxableError } from './errors.ts';
import type { TrackPlan } from './segment-plan.ts';

/** Each is read when the file is opened. */
const MOST_CHANGES = 64;

/**
 * The first packet of a rendition, and those whose configuration has to be compared with the first one's before anything is
 * promised. @throws NotRemuxableError when the index alone says that there are several
 */
export function packetsToProve({ track, segments }: Pick<TrackPlan, 'track' | 'segments'>): { first: number; changes: number[] } {
  const first = segments[0]?.first ?? 0;
  const changes: number[] = [];
  for (let packet = first + 1; packet < track.count; packet += 1) {
    const flags = track.flags[packet] ?? 0;
    if ((flags & PacketFlag.newConfig) !== 0) throw new NotRemuxableError('The decoder needs another configuration in the middle of the file.', { packet });
    if ((flags & PacketFlag.newSets) === 0) continue;
    if (track.kind === 'audio') throw new NotRemuxableError('The sound changes its codec, sampling rate or channels in the middle.', { packet });
    if (changes.push(packet) > MOST_CHANGES) throw new NotRemuxableError('The pictures change their parameters too often.', { packet });
  }
  return { first, changes };
}
