import { PacketFlag, type PacketTrack } from '@reelay/contracts';
import { NotRemuxableError } from './errors.ts';

// Where a file is cut into segments.
//
//   video:  IDR ─ ─ ─ ─ IDR ─ ─ IDR ─ ─ ─ ─ ─ IDR ─ ─ ─ (end)      groups of pictures, closed at both ends
//           └─ segment 0 ─┘└──── segment 1 ────┘└─ … ─┘            each one or more whole groups
//   audio:  │││││││││││││││││││││││││││││││││││││││││││             cut at the frame nearest to the video's cut
//
// All times of a rendition are ticks of its own timescale since the presentation's start, which is the first picture
// shown (without video: the first sound). Sound due before that is left out: a decode time must not be negative.

/** A segment shall last about this long. */
const TARGET_SEGMENT_SECONDS = 6;
/** It may be this short when the next place to cut would make it too long. */
const SHORTEST_SEGMENT_SECONDS = 4;
/** Longest group of pictures that is still served: x264's default of 250 pictures is 16.7 s at 15 pictures a second. */
export const LONGEST_GROUP_SECONDS = 20;
/** A segment is built in memory. */
export const LARGEST_SEGMENT_BYTES = 96 * 1024 * 1024;
/** Sound may step back this far (rounding, a late packet); it is then put right behind the previous one. */
const TOLERATED_STEP_BACK_SECONDS = 0.2;

export interface PlannedSegment {
  /** Packets [first, end) of the track. */
  readonly first: number;
  readonly end: number;
  /** The smallest presentation time, which is also the tfdt. */
  readonly startTicks: number;
  readonly endTicks: number;
  /** EXTINF. The sum of those before is the segment's place on the playlist's timeline. */
  readonly durationSeconds: number;
}

export interface TrackPlan {
  readonly track: PacketTrack;
  readonly timescale: number;
  /** Ticks of the track (before multiplying) that are time 0 of the presentation. */
  readonly originTicks: number;
  readonly segments: readonly PlannedSegment[];
}

export interface SegmentPlan {
  readonly video: TrackPlan | null;
  readonly audio: readonly TrackPlan[];
  /** EXT-X-TARGETDURATION, the same for all renditions. */
  readonly targetDurationSeconds: number;
}

/** Plans the segments of one video track and any number of audio tracks. Throws {@link NotRemuxableError}. */
export function planSegments(video: PacketTrack | null, audio: readonly PacketTrack[]): SegmentPlan {
  const steps = planSteps(video, audio);
  for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value;
}

/** As {@link planSegments}, one track at a time: a track of a three-hour film takes 10 ms. */
export function* planSteps(video: PacketTrack | null, audio: readonly PacketTrack[]): Generator<void, SegmentPlan> {
  const groups = video ? closedGroups(video) : [];
  const videoPlan = video ? planVideo(video, groups) : null;
  yield;
  const origin = videoPlan ? toSeconds(videoPlan.track, videoPlan.originTicks) : firstSoundSeconds(audio);
  const cuts = videoPlan ? startsInSeconds(videoPlan) : [];
  const end = videoPlan ? (videoPlan.segments.at(-1)?.endTicks ?? 0) / videoPlan.timescale : 0;
  const audioPlans: TrackPlan[] = [];
  for (const track of audio) {
    const plan = planAudio(track, origin, cuts, end);
    if (plan) audioPlans.push(plan);
    yield;
  }
  const all = [...(videoPlan ? [videoPlan] : []), ...audioPlans];
  if (all.length === 0) throw new NotRemuxableError('The file has neither pictures nor sound.');
  const longest = Math.max(...all.flatMap((plan) => plan.segments.map((segment) => segment.durationSeconds)));
  return { video: videoPlan, audio: audioPlans, targetDurationSeconds: Math.max(1, Math.round(longest)) };
}

/** Ticks of a track's packet on the timescale of its rendition, from the presentation's start. */
export function presentationTicks(plan: Pick<TrackPlan, 'track' | 'originTicks'>, packet: number): number {
  return ((plan.track.pts[packet] ?? 0) - plan.originTicks) * plan.track.timeBase.num;
}

interface Group {
  readonly first: number;
  end: number;
  min: number;
  max: number;
  bytes: number;
}

/** Groups that begin with an IDR after which nothing earlier is shown; what precedes the first one is left out. */
function closedGroups(track: PacketTrack): Group[] {
  const groups: Group[] = [];
  const { pts: times, flags, size } = track;
  let group: Group | undefined;
  for (let i = 0; i < track.count; i += 1) {
    const startsHere = ((flags[i] ?? 0) & PacketFlag.idr) !== 0;
    if (!startsHere && !group) continue;
    const pts = times[i] ?? Number.NaN;
    if (Number.isNaN(pts)) throw new NotRemuxableError('Some pictures carry no time.', { packet: i });
    // Without an edit list in the segments they would be seen.
    if (((flags[i] ?? 0) & PacketFlag.discard) !== 0) throw new NotRemuxableError('The file’s edit list hides pictures.', { packet: i });
    if (startsHere || !group) {
      group = { first: i, end: i, min: pts, max: pts, bytes: 0 };
      groups.push(group);
    }
    group.end = i + 1;
    if (pts < group.min) group.min = pts;
    if (pts > group.max) group.max = pts;
    group.bytes += size[i] ?? 0;
  }
  return mergeOverlaps(groups);
}

/** A group whose pictures are due before the end of the one ahead of it is no place to cut. */
function mergeOverlaps(groups: readonly Group[]): Group[] {
  const merged: Group[] = [];
  for (const group of groups) {
    const previous = merged.at(-1);
    if (!previous || group.min > previous.max) {
      merged.push({ ...group });
      continue;
    }
    previous.end = group.end;
    previous.min = Math.min(previous.min, group.min);
    previous.max = Math.max(previous.max, group.max);
    previous.bytes += group.bytes;
  }
  return merged;
}

function planVideo(track: PacketTrack, groups: readonly Group[]): TrackPlan {
  const first = groups[0];
  const last = groups.at(-1);
  if (!first || !last) throw new NotRemuxableError('No picture of the file is a clean place to start.', { packets: track.count });
  const plan = { track, timescale: track.timeBase.den, originTicks: first.min };
  const endPts = last.max + lastDuration(track, last);
  const segments: PlannedSegment[] = [];
  let open = 0;
  for (let next = 1; next <= groups.length; next += 1) {
    const from = groups[open];
    const until = groups[next - 1];
    if (!from || !until) break;
    const cutPts = groups[next]?.min ?? endPts;
    const elapsed = toSeconds(track, cutPts - from.min);
    const afterNext = toSeconds(track, (groups[next + 1]?.min ?? endPts) - from.min);
    if (next < groups.length && !isCut(elapsed, afterNext)) continue;
    checkLimits(elapsed, groups.slice(open, next));
    segments.push(segment(plan, from.first, until.end, from.min, cutPts));
    open = next;
  }
  return { ...plan, segments };
}

/** Six seconds or the last chance before they would be exceeded by much. */
function isCut(elapsedSeconds: number, afterNextSeconds: number): boolean {
  if (elapsedSeconds >= TARGET_SEGMENT_SECONDS - 0.05) return true;
  return elapsedSeconds >= SHORTEST_SEGMENT_SECONDS && afterNextSeconds > TARGET_SEGMENT_SECONDS + 0.5;
}

function checkLimits(seconds: number, groups: readonly Group[]): void {
  const bytes = groups.reduce((sum, group) => sum + group.bytes, 0);
  if (seconds > LONGEST_GROUP_SECONDS) {
    throw new NotRemuxableError(`Clean places to start are ${seconds.toFixed(1)} s apart, more than ${LONGEST_GROUP_SECONDS} s.`, { seconds });
  }
  if (bytes > LARGEST_SEGMENT_BYTES) throw new NotRemuxableError('A group of pictures is too large to be sent in one piece.', { bytes });
}

/** How long the last picture stays: as the file says, else as long as the one before. */
function lastDuration(track: PacketTrack, group: Group): number {
  let said = 0;
  let before = -Infinity;
  for (let i = group.first; i < group.end; i += 1) {
    const pts = track.pts[i] ?? 0;
    if (pts === group.max) said = track.duration[i] || 0;
    else before = Math.max(before, pts);
  }
  if (said > 0) return said;
  return Number.isFinite(before) ? group.max - before : Math.max(1, Math.round((track.timeBase.den / track.timeBase.num) * 0.04));
}

function planAudio(track: PacketTrack, originSeconds: number, cuts: readonly number[], videoEndSeconds: number): TrackPlan | null {
  // Rounded up: no sound may lie before time 0, and half a tick is not heard.
  const originTicks = Math.ceil((originSeconds * track.timeBase.den) / track.timeBase.num - 1e-6);
  const plan = { track, timescale: track.timeBase.den, originTicks };
  let first = 0;
  while (first < track.count && !((track.pts[first] ?? Number.NaN) >= originTicks)) first += 1;
  if (first >= track.count) return null;
  const times = soundTimes(track, first);
  const endPts = (times.at(-1) ?? 0) + (track.duration[track.count - 1] || (times.at(-1) ?? 0) - (times.at(-2) ?? 0) || 1);
  const ends = cutPackets(plan, first, times, soundCuts(cuts, videoEndSeconds, toSeconds(track, endPts - originTicks)));
  const segments: PlannedSegment[] = [];
  let open = first;
  for (const end of [...ends, track.count]) {
    const startPts = times[open - first] ?? 0;
    segments.push(segment(plan, open, end, startPts, times[end - first] ?? endPts, open === first ? originTicks : startPts));
    open = end;
  }
  return { ...plan, segments };
}

/**
 * Presentation times of the packets from `first` on, made to increase: each lasts something. `startPts`: the time of the first one,
 * where what came before it has moved it.
 */
export function soundTimes(track: PacketTrack, first: number, end: number = track.count, startPts = -Infinity): Float64Array {
  const times = track.pts.slice(first, end);
  const tolerated = (TOLERATED_STEP_BACK_SECONDS * track.timeBase.den) / track.timeBase.num;
  let least = startPts;
  for (let i = 0; i < times.length; i += 1) {
    const pts = times[i] ?? Number.NaN;
    if (!(pts >= least - tolerated)) throw new NotRemuxableError('The times of the sound jump back.', { packet: first + i });
    times[i] = Math.max(pts, least);
    least = (times[i] ?? 0) + 1;
  }
  return times;
}

/** The video's cuts and, where the sound outlasts the pictures, a steady grid. */
function soundCuts(videoCuts: readonly number[], videoEndSeconds: number, endSeconds: number): number[] {
  const cuts = videoCuts.slice(1);
  const begun = videoCuts.at(-1) ?? 0;
  let next = Math.max(begun + TARGET_SEGMENT_SECONDS, videoEndSeconds);
  for (; next < endSeconds - 1; next += TARGET_SEGMENT_SECONDS) cuts.push(next);
  return cuts;
}

/** For each cut the packet nearest to it; a cut that would leave a segment empty is dropped. */
function cutPackets(plan: Omit<TrackPlan, 'segments'>, first: number, times: Float64Array, cuts: readonly number[]): number[] {
  const packets: number[] = [];
  for (const cut of cuts) {
    const ticks = plan.originTicks + (cut * plan.timescale) / plan.track.timeBase.num;
    const at = firstNotBefore(times, ticks);
    const before = times[at - 1];
    const after = times[at];
    const nearest = before !== undefined && (after === undefined || ticks - before <= after - ticks) ? at - 1 : at;
    const packet = first + nearest;
    if (nearest > 0 && nearest < times.length && packet > (packets.at(-1) ?? first)) packets.push(packet);
  }
  return packets;
}

/** Where in sorted times the first one stands that is not before `ticks`. */
function firstNotBefore(times: Float64Array, ticks: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? Infinity) < ticks) low = middle + 1;
    else high = middle;
  }
  return low;
}

function segment(
  plan: Omit<TrackPlan, 'segments'>, first: number, end: number, startPts: number, endPts: number, playlistStartPts = startPts,
): PlannedSegment {
  const { timeBase } = plan.track;
  return {
    first, end,
    startTicks: (startPts - plan.originTicks) * timeBase.num,
    endTicks: (endPts - plan.originTicks) * timeBase.num,
    durationSeconds: toSeconds(plan.track, endPts - playlistStartPts),
  };
}

function startsInSeconds(plan: TrackPlan): number[] {
  return plan.segments.map((planned) => planned.startTicks / plan.timescale);
}

function firstSoundSeconds(audio: readonly PacketTrack[]): number {
  const starts = audio.flatMap((track) => {
    const at = track.flags.findIndex((flags, i) => (flags & PacketFlag.discard) === 0 && !Number.isNaN(track.pts[i] ?? Number.NaN));
    return at < 0 ? [] : [toSeconds(track, track.pts[at] ?? 0)];
  });
  return starts.length > 0 ? Math.min(...starts) : 0;
}

function toSeconds(track: PacketTrack, ticks: number): number {
  return (ticks * track.timeBase.num) / track.timeBase.den;
}
