import type { MediaStream } from './media-info.ts';
import { PacketFlag, type PacketIndex, type PacketTrack } from './packet-index.ts';

// A "keyframe" of H.264 or HEVC may be an open-GOP recovery point (a CRA picture, an I picture with a recovery point SEI):
// pictures after it may refer to pictures before it, so a segment must not begin there. Only IDR pictures will do. ffmpeg
// tells them apart by itself: its filter_units bitstream filter drops every packet that holds none of the wanted NAL
// units, so what a copy through it still lists are the IDR packets (no decoding: the speed of reading the file).

/** NAL unit types of IDR pictures. BLA and CRA pictures of HEVC may have leading pictures that cannot be decoded. */
const IDR_NAL_TYPES: Readonly<Record<string, string>> = { h264: '5', hevc: '19-20' };
/** Of sequence parameter sets: where another one comes, the pictures may change their size. */
const SPS_NAL_TYPES: Readonly<Record<string, string>> = { h264: '7', hevc: '33' };

/** Whether this stream's keyframes need {@link idrProbeArgs}; other codecs start cleanly at every keyframe. */
export function needsIdrProbe(stream: MediaStream): boolean {
  return stream.kind === 'video' && stream.codec in IDR_NAL_TYPES;
}

/** Arguments of ffmpeg (all of them) that list the IDR packets of one stream, and those with parameter sets, on stdout, for {@link markIdrPackets}. */
export function idrProbeArgs(inputPath: string, stream: MediaStream): string[] {
  const types = IDR_NAL_TYPES[stream.codec];
  if (types === undefined) throw new RangeError(`codec ${stream.codec} has no IDR pictures to look for`);
  return [
    '-nostdin', '-v', 'error', '-copyts', '-i', inputPath, '-map', `0:${stream.index}`, '-map', `0:${stream.index}`, '-c', 'copy', '-copytb', '1',
    '-bsf:v:0', `filter_units=pass_types=${types}`, '-bsf:v:1', `filter_units=pass_types=${SPS_NAL_TYPES[stream.codec] ?? types}`, '-avoid_negative_ts', 'disabled', '-f', 'framecrc', 'pipe:1',
  ];
}

/**
 * Sets the flags `idr` and `newSets` of the packets of `streamIndex` that ffmpeg listed ({@link idrProbeArgs}). Matching is by
 * pts, which `-copyts` keeps; a keyframe that is not listed is no place to start. The index is changed in place and returned.
 */
export async function markIdrPackets(
  index: PacketIndex, streamIndex: number, lines: AsyncIterable<string> | Iterable<string>,
): Promise<PacketIndex> {
  const track = index.tracks.find((candidate) => candidate.streamIndex === streamIndex);
  const times = new Set<number>();
  const seen = new Set<string>();
  const newSets = new Set<number>();
  let scale = 1;
  for await (const line of lines) {
    const base = /^#tb 0: (\d+)\/(\d+)/.exec(line);
    if (base && track) scale = (Number(base[1]) * track.timeBase.den) / (Number(base[2]) * track.timeBase.num);
    const [, output, pts, content] = /^([01]),\s*(?:-?\d+|NOPTS),\s*(-?\d+),\s*-?\d+,\s*(\d+,\s*0x[0-9a-f]+)/.exec(line) ?? [];
    if (pts === undefined || content === undefined) continue;
    const ticks = Math.round(Number(pts) * scale);
    if (output === '0') times.add(ticks);
    else if (!seen.has(content)) {
      seen.add(content);
      newSets.add(ticks);
    }
  }
  if (track) mark(track, times, newSets);
  return index;
}

function mark(track: PacketTrack, times: ReadonlySet<number>, newSets: ReadonlySet<number>): void {
  for (let i = 0; i < track.count; i += 1) {
    const pts = track.pts[i] ?? Number.NaN;
    const flags = (track.flags[i] ?? 0) & ~(PacketFlag.idr | PacketFlag.newSets);
    const isIdr = (flags & PacketFlag.key) !== 0 && times.has(pts);
    track.flags[i] = flags | (isIdr ? PacketFlag.idr : 0) | (newSets.has(pts) ? PacketFlag.newSets : 0);
  }
}
