import type { AudioRecipe, VideoRecipe } from '@reelay/contracts';
import { encoderProfile } from './encoder-profile.ts';

export interface PipeInput {
  readonly input: string;
  readonly inputOptions: readonly string[];
  readonly originSeconds: number;
  readonly fileStartSeconds: number;
  /** Where the film begins, on the presentation's clock. */
  readonly startSeconds: number;
  readonly encoder: string;
  readonly gpuIndex: number | null;
  readonly cpus: number;
  readonly canToneMap: boolean;
}

/** A fragment at least so often, so that the first picture is on its way at once (measured: first bytes 0.43 s after a live source). */
const FRAGMENT_MICROSECONDS = 250_000;

/** One ffmpeg for pictures and sound, as fragmented MP4 on stdout. Times begin at 0: the player knows where it asked to start. */
export function pipeArgs({ video, audio }: { video: VideoRecipe | null; audio: AudioRecipe | null }, input: PipeInput): string[] {
  const at = input.originSeconds - input.fileStartSeconds + input.startSeconds;
  const preroll = Math.min(Math.max(0, at), video?.prerollSeconds ?? 0);
  const profile = video === null ? null : encoderProfile(input.encoder, video, { gpuIndex: input.gpuIndex, cpus: input.cpus, urgent: true });
  return [
    '-nostdin', '-hide_banner', '-loglevel', 'warning', '-nostats', ...(profile?.device ?? []), ...input.inputOptions, ...(at - preroll > 0 ? ['-ss', (at - preroll).toFixed(6)] : []), '-i', input.input,
    ...(video === null || profile === null ? ['-vn'] : ['-map', `0:${video.streamIndex}`, ...videoArgs(video, profile, input)]),
    ...(audio === null ? ['-an'] : ['-map', `0:${audio.streamIndex}`, '-c:a', 'aac', '-b:a', `${audio.audioKbps}k`, '-ac', String(audio.channels), '-ar', String(audio.grid.sampleRate), '-af', 'aresample=async=1']),
    // What was decoded ahead of the place is not sent.
    ...(preroll > 0 ? ['-ss', preroll.toFixed(6)] : []), '-sn', '-dn', '-map_metadata', '-1', '-map_chapters', '-1', '-max_muxing_queue_size', '1024',
    '-f', 'mp4', '-movflags', '+empty_moov+default_base_moof+frag_keyframe+skip_trailer', '-frag_duration', String(FRAGMENT_MICROSECONDS), '-flush_packets', '1', 'pipe:1',
  ];
}

function videoArgs(recipe: VideoRecipe, profile: ReturnType<typeof encoderProfile>, input: PipeInput): string[] {
  const { frameRate, gopFrames } = recipe.grid;
  const filters = [
    ...(recipe.deinterlace ? ['bwdif=mode=send_frame:deint=interlaced'] : []),
    ...(recipe.toneMap !== null && input.canToneMap ? ['zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv'] : []),
    `fps=${frameRate.num}/${frameRate.den}`, `scale=${recipe.width}:${recipe.height}:flags=fast_bilinear`, 'setsar=1', ...profile.filters,
  ];
  return [
    '-vf', filters.join(','), ...profile.codec, ...(input.encoder === 'libx264' ? ['-tune', 'zerolatency'] : []), '-g', String(gopFrames),
    '-b:v', `${recipe.videoKbps}k`, '-maxrate', `${recipe.maxKbps}k`, '-bufsize', `${recipe.maxKbps * 2}k`,
  ];
}
