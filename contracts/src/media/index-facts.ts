import { z } from 'zod';
import { PacketFlag, type PacketIndex, type PacketTrack } from './packet-index.ts';

/** What the choice of the way to play needs to know of one track, so that the index itself need not be loaded. */
export const trackFactsSchema = z.object({
  streamIndex: z.int().nonnegative(),
  kind: z.enum(['video', 'audio']),
  packets: z.int().nonnegative(),
  bytes: z.number().nonnegative(),
  startSeconds: z.number().nullable(),
  endSeconds: z.number().nullable(),
  keyframes: z.int().nonnegative(),
  idrs: z.int().nonnegative(),
  /** Longest stretch between places where a segment may begin, the end included. */
  longestGroupSeconds: z.number().nonnegative(),
  largestGroupBytes: z.number().nonnegative(),
  /** Packets without a presentation time. */
  untimed: z.int().nonnegative(),
  /** Packets decoded later but due before the picture or sound group that precedes them: time runs backwards. */
  disordered: z.int().nonnegative(),
  /** Packets that are decoded but not shown: what an edit list leaves out. Missing in facts of old. */
  hidden: z.int().nonnegative().optional(),
  /** How soon pictures follow each other where they do fastest: one gap in ten is not longer. Null for sound, and in facts of old. */
  shortestGapSeconds: z.number().nonnegative().nullable().optional(),
  /** The longest time between two pictures that follow each other. Null for sound, and in facts of old. */
  longestGapSeconds: z.number().nonnegative().nullable().optional(),
  /** The longest time without a keyframe, as the container knows them. Null for sound, and in facts of old. */
  longestKeyGapSeconds: z.number().nonnegative().nullable().optional(),
});
export type TrackFacts = z.infer<typeof trackFactsSchema>;

export const indexFactsSchema = z.object({ tracks: z.array(trackFactsSchema) });
export type IndexFacts = z.infer<typeof indexFactsSchema>;

/** Sums up a finished index (after `markIdrPackets`). */
export function indexFacts(index: PacketIndex): IndexFacts {
  return { tracks: index.tracks.map(trackFacts) };
}

/** Time of a track's packet, in seconds. */
export function ticksToSeconds(track: Pick<PacketTrack, 'timeBase'>, ticks: number): number {
  return (ticks * track.timeBase.num) / track.timeBase.den;
}

function trackFacts(track: PacketTrack): TrackFacts {
  const groups = track.kind === 'video' ? videoGroups(track) : audioOrder(track);
  let bytes = 0;
  let keyframes = 0;
  let idrs = 0;
  let untimed = 0;
  let hidden = 0;
  let first = Infinity;
  let end = -Infinity;
  for (let i = 0; i < track.count; i += 1) {
    const pts = track.pts[i] ?? Number.NaN;
    const flags = track.flags[i] ?? 0;
    bytes += track.size[i] ?? 0;
    const isHidden = (flags & PacketFlag.discard) !== 0;
    if (isHidden) hidden += 1;
    if (Number.isNaN(pts)) untimed += 1;
    else if (!isHidden) {
      first = Math.min(first, pts);
      end = Math.max(end, pts + (track.duration[i] || 0));
    }
    if ((flags & PacketFlag.key) !== 0) keyframes += 1;
    if ((flags & PacketFlag.idr) !== 0) idrs += 1;
  }
  return {
    streamIndex: track.streamIndex, kind: track.kind, packets: track.count, bytes, keyframes, idrs, untimed, hidden,
    startSeconds: Number.isFinite(first) ? ticksToSeconds(track, first) : null,
    endSeconds: Number.isFinite(end) ? ticksToSeconds(track, end) : null,
    ...(track.kind === 'video' ? pictureGaps(track) : { shortestGapSeconds: null, longestGapSeconds: null }),
    longestKeyGapSeconds: track.kind === 'video' ? longestKeyGap(track) : null,
    ...groups,
  };
}

function pictureGaps(track: PacketTrack): Required<Pick<TrackFacts, 'shortestGapSeconds' | 'longestGapSeconds'>> {
  const times = Float64Array.from({ length: track.count }, (_, i) => track.pts[i] ?? Number.NaN).filter((pts) => !Number.isNaN(pts)).toSorted();
  const gaps = times.slice(1).map((pts, i) => pts - (times[i] ?? pts)).filter((gap) => gap > 0).toSorted();
  const seconds = (gap: number | undefined): number | null => (gap === undefined ? null : ticksToSeconds(track, gap));
  return { shortestGapSeconds: seconds(gaps[Math.floor(gaps.length / 10)]), longestGapSeconds: seconds(gaps.at(-1)) };
}

/** From the first picture on: what stands ahead of the first keyframe counts, too. */
function longestKeyGap(track: PacketTrack): number {
  let longest = 0;
  let last = Number.NaN;
  let latest = Number.NaN;
  for (let i = 0; i < track.count; i += 1) {
    const pts = track.pts[i] ?? Number.NaN;
    if (Number.isNaN(pts)) continue;
    latest = Number.isNaN(latest) ? pts : Math.max(latest, pts);
    const isKey = ((track.flags[i] ?? 0) & PacketFlag.key) !== 0;
    if (isKey || Number.isNaN(last)) {
      longest = Math.max(longest, Number.isNaN(last) ? 0 : pts - last);
      last = pts;
    }
  }
  return ticksToSeconds(track, Math.max(longest, Number.isNaN(last) ? 0 : latest - last));
}

type GroupFacts = Pick<TrackFacts, 'longestGroupSeconds' | 'largestGroupBytes' | 'disordered'>;

/** A group runs from one IDR to the next; what precedes the first IDR is never played and does not count. */
function videoGroups(track: PacketTrack): GroupFacts {
  let longest = 0;
  let largest = 0;
  let disordered = 0;
  let groupStart = Number.NaN;
  let groupEnd = Number.NaN;
  let groupBytes = 0;
  for (let i = 0; i < track.count; i += 1) {
    const pts = track.pts[i] ?? Number.NaN;
    if (((track.flags[i] ?? 0) & PacketFlag.idr) !== 0) {
      if (pts < groupEnd - (track.duration[i] || 0)) disordered += 1;
      longest = Math.max(longest, Number.isNaN(groupStart) ? 0 : pts - groupStart);
      groupStart = pts;
      groupEnd = pts;
      groupBytes = 0;
    }
    if (Number.isNaN(groupStart)) continue;
    groupBytes += track.size[i] ?? 0;
    largest = Math.max(largest, groupBytes);
    if (!Number.isNaN(pts)) groupEnd = Math.max(groupEnd, pts + (track.duration[i] || 0));
  }
  if (!Number.isNaN(groupStart)) longest = Math.max(longest, groupEnd - groupStart);
  return { longestGroupSeconds: ticksToSeconds(track, longest), largestGroupBytes: largest, disordered };
}

function audioOrder(track: PacketTrack): GroupFacts {
  let disordered = 0;
  for (let i = 1; i < track.count; i += 1) {
    if ((track.pts[i] ?? 0) < (track.pts[i - 1] ?? 0)) disordered += 1;
  }
  return { longestGroupSeconds: 0, largestGroupBytes: 0, disordered };
}
