import { PacketFlag } from '@reelay/contracts';
import { attributes, quoted, vodPlaylist } from './playlist-lines.ts';
import type { Rendition } from './renditions.ts';
import { type PlannedSegment, presentationTicks } from './segment-plan.ts';

// For winding: the keyframes alone, each a fragment of its own under the init segment of the pictures. A picture a second is
// all that is seen while winding, so a file of keyframes only is thinned out.

/** At least this far apart, with room for rates such as 23.976. */
const SHORTEST_STEP_SECONDS = 0.95;
const FRAGMENT_OVERHEAD_BYTES = 150;

/** The keyframes of a video rendition, as segments of one picture each that last until the next. */
export function planIframes({ plan }: Pick<Rendition, 'plan'>): PlannedSegment[] {
  const pictures: { packet: number; ticks: number }[] = [];
  const { flags } = plan.track;
  for (const { first, end } of plan.segments) {
    for (let packet = first; packet < end; packet += 1) {
      if (((flags[packet] ?? 0) & PacketFlag.idr) === 0) continue;
      const ticks = presentationTicks(plan, packet);
      const before = pictures.at(-1);
      if (!before || (ticks - before.ticks) / plan.timescale >= SHORTEST_STEP_SECONDS) pictures.push({ packet, ticks });
    }
  }
  const end = plan.segments.at(-1)?.endTicks ?? 0;
  return pictures.map(({ packet, ticks }, n) => {
    const until = pictures[n + 1]?.ticks ?? Math.max(end, ticks + 1);
    // The playlist counts from 0, also where the first keyframe is not the first picture shown.
    return { first: packet, end: packet + 1, startTicks: ticks, endTicks: until, durationSeconds: (until - (n === 0 ? 0 : ticks)) / plan.timescale };
  });
}

/** The I-frame playlist; `below`: the folder of the pieces, seen from the playlist, and of the pictures' init segment. */
export function iframePlaylist(iframes: readonly PlannedSegment[], below: { pieces: string; init: string }): string {
  const durations = iframes.map(({ durationSeconds }) => durationSeconds);
  return vodPlaylist({ targetDurationSeconds: Math.round(largest(durations, 1)), durations, initUri: below.init, folder: below.pieces, iframesOnly: true });
}

/** Its line in the multivariant playlist. */
export function iframeLine(video: Rendition, iframes: readonly PlannedSegment[], codec: string | null): string {
  const bits = iframes.map(({ first }) => ((video.plan.track.size[first] ?? 0) + FRAGMENT_OVERHEAD_BYTES) * 8);
  const seconds = iframes.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0);
  const peak = largest(iframes.map(({ durationSeconds }, n) => (bits[n] ?? 0) / Math.max(0.001, durationSeconds)), 0);
  const { displayWidth, displayHeight } = video.stream;
  const average = bits.reduce((sum, size) => sum + size, 0) / Math.max(0.001, seconds);
  return `#EXT-X-I-FRAME-STREAM-INF:${attributes([
    ['BANDWIDTH', String(Math.ceil(Math.max(peak, average)))],
    ['AVERAGE-BANDWIDTH', String(Math.ceil(average))],
    ['CODECS', codec === null ? null : quoted(codec)],
    ['RESOLUTION', displayWidth && displayHeight ? `${displayWidth}x${displayHeight}` : null],
    ['URI', quoted('i0/index.m3u8')],
  ])}`;
}

/** Of more values than a function takes arguments. */
function largest(values: readonly number[], atLeast: number): number {
  return values.reduce((most, value) => Math.max(most, value), atLeast);
}
