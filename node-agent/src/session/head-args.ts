import { type AudioRecipe, gridSegment, type RenditionRecipe, segmentCount, type VideoRecipe } from '@reelay/contracts';
import { encoderProfile } from './encoder-profile.ts';
import { prerollOf } from './segmenter.ts';

/** What one run of ffmpeg needs to know besides its recipe. */
export interface HeadInput {
  /** A file or URL, as `-i` takes it. */
  readonly input: string;
  /** Options before `-i`, such as the whitelist of protocols. */
  readonly inputOptions: readonly string[];
  readonly originSeconds: number;
  readonly fileStartSeconds: number;
  readonly from: number;
  readonly encoder: string;
  readonly gpuIndex: number | null;
  /** The first picture matters more than the bits it takes. */
  readonly urgent: boolean;
  readonly cpus: number;
  readonly canToneMap: boolean;
}

/** However much of it is damaged, the rest is shown. */
const COMMON = ['-nostdin', '-hide_banner', '-loglevel', 'warning', '-nostats', '-max_error_rate', '1'];
const ONE_STREAM = ['-sn', '-dn', '-map_metadata', '-1', '-map_chapters', '-1'];
const FRAGMENTED = '+empty_moov+default_base_moof+skip_trailer+frag_discont+negative_cts_offsets+cmaf';
/** Sound is read from a little earlier, so that the resampler has what it fills the first frame with. */
const EARLIER_SECONDS = 0.06;
const WORTH_A_SEEK_SECONDS = 10;
/** Sound may be so far from its time before silence is put in or some of it is left out: more than containers round, less than is seen beside the lips. */
const LARGEST_OFFSET_SECONDS = 0.03;
/** Of the cap that the playlist promises: what the rate control aims below, and what it may save up for one segment. Together they stay within it. */
const CAP_SHARE = 0.85;
const BUFFER_SHARE = 0.5;

const seconds = (value: number): string => value.toFixed(6);

/** Arguments for a head: it writes fragmented MP4 to its stdout, from segment `from` to the end. */
export function headArgs(recipe: RenditionRecipe, head: HeadInput): string[] {
  return recipe.kind === 'video' ? videoArgs(recipe, head) : audioArgs(recipe, head);
}

/**
 * `-copyts` keeps the source's own times, which setpts then moves so that the boundary is 0; half a picture of slack in
 * the seek keeps the first one although containers round its time. fps makes the rate constant and fills gaps, tpad lasts to
 * the end that the playlist promised, -frames ends it exactly there.
 */
function videoArgs(recipe: VideoRecipe, head: HeadInput): string[] {
  const { grid } = recipe;
  const { num, den } = grid.frameRate;
  const first = gridSegment(grid, head.from)?.first ?? 0;
  const startSeconds = (first * den) / num;
  const profile = encoderProfile(head.encoder, recipe, head);
  const filters = [
    ...(recipe.deinterlace ? ['bwdif=mode=send_frame:deint=interlaced'] : []),
    ...(recipe.toneMap !== null && head.canToneMap ? ['zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv'] : []),
    `setpts=PTS-(${seconds(head.originSeconds + startSeconds)})/TB`,
    `fps=${num}/${den}:start_time=0:round=near`,
    `tpad=stop=-1:stop_mode=clone`,
    `scale=${recipe.width}:${recipe.height}:flags=fast_bilinear`, 'setsar=1', ...profile.filters,
  ];
  return [
    ...COMMON, ...profile.device, ...head.inputOptions, ...seekTo(head, startSeconds - den / num / 2, recipe.prerollSeconds), '-reinit_filter', '0', '-i', head.input,
    // Another picture size in the middle is one for `scale`: made anew, the filters would begin at 0 again.
    '-map', `0:${recipe.streamIndex}`, '-an', ...ONE_STREAM, '-vf', filters.join(','), '-frames:v', String(grid.frames - first),
    ...profile.codec, '-g', String(grid.gopFrames), '-b:v', `${recipe.videoKbps}k`, '-maxrate', `${Math.round(recipe.maxKbps * CAP_SHARE)}k`, '-bufsize', `${Math.round(recipe.maxKbps * BUFFER_SHARE)}k`,
    '-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'bt709',
    '-avoid_negative_ts', 'disabled', '-video_track_timescale', String(grid.timescale), '-f', 'mp4', '-movflags', `${FRAGMENTED}+frag_keyframe`, '-flush_packets', '1', 'pipe:1',
  ];
}

/**
 * Where the source changes its channels or rate, ffmpeg makes the filters anew, and they begin at 0 again: what has been written
 * already is dropped, so that sound goes on where it was.
 */
const ONWARDS_ONLY = "noise=drop='if(gt(n,0)*lte(pts,ld(0)),1,0*st(0,pts))'";

/** The resampler fills gaps and starts exactly at the pre-roll's first sample; silence lasts to the promised end. */
function audioArgs(recipe: AudioRecipe, head: HeadInput): string[] {
  const { grid } = recipe;
  const first = gridSegment(grid, head.from, segmentCount(grid))?.first ?? 0;
  const startSeconds = ((first - prerollOf(first)) * grid.frameSamples) / grid.sampleRate;
  const filters = [`asetpts=PTS-(${seconds(head.originSeconds + startSeconds)})/TB`, `aresample=${grid.sampleRate}:async=1:min_hard_comp=${LARGEST_OFFSET_SECONDS}:first_pts=0`, 'apad'];
  return [
    ...COMMON, ...head.inputOptions, ...seekTo(head, startSeconds - EARLIER_SECONDS), '-i', head.input,
    '-map', `0:${recipe.streamIndex}`, '-vn', ...ONE_STREAM, '-af', filters.join(','), '-frames:a', String(grid.frames - first + prerollOf(first) + 1),
    '-c:a', 'aac', '-b:a', `${recipe.audioKbps}k`, '-ac', String(recipe.channels), '-ar', String(grid.sampleRate), '-bsf:a', ONWARDS_ONLY,
    '-avoid_negative_ts', 'disabled', '-f', 'mp4', '-movflags', `${FRAGMENTED}+frag_every_frame`, '-flush_packets', '1', 'pipe:1',
  ];
}

/**
 * ffmpeg counts `-ss` from the beginning of the file. What is wanted from its first picture on is read from there: a demuxer
 * that is sent ahead of its first keyframe may land seconds behind it (FLV, measured).
 */
function seekTo({ originSeconds, fileStartSeconds }: HeadInput, startSeconds: number, prerollSeconds = 0): string[] {
  const at = originSeconds - fileStartSeconds + startSeconds - prerollSeconds;
  return [...(at > 0 && (startSeconds > 0 || at > WORTH_A_SEEK_SECONDS) ? ['-ss', seconds(at)] : []), '-copyts'];
}
