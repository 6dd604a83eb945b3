/** Difficult sources. Each flashes and beeps at every whole second, so that what comes out of it can be measured. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { makeSyncClip, type SyncClip } from './sync.ts';

const run = promisify(execFile);
const FFMPEG = process.env['FFMPEG_PATH'] ?? 'ffmpeg';

export interface Animal {
  /** File name. */
  name: string;
  clip: SyncClip;
  /** What is done to the clip afterwards; returns the path that is uploaded. */
  afterwards?: (path: string) => Promise<string>;
  /** Size on screen; that of the clip by default. */
  shown?: readonly [width: number, height: number];
  /** What can be seen of it, in seconds; the clip's length by default. */
  seconds?: number;
  /** Whole seconds of the presentation with a flash, and with a beep; all by default. */
  flashes?: readonly number[];
  beeps?: readonly number[];
  /** How far a flash may be from its second: sources whose pictures are far apart. In seconds. */
  slackSeconds?: number;
  /** Instead of playing it may be refused, for this reason. */
  refused?: RegExp;
  /** In the sample that runs with every `npm test`. */
  always?: boolean;
}

const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast'];
const MPEG2 = ['-c:v', 'mpeg2video', '-q:v', '5', '-g', '15', '-bf', '2'];
const H264_AAC = [...X264, '-bf', '2', '-pix_fmt', 'yuv420p', '-g', '50', '-c:a', 'aac'];
const X265 = ['-c:v', 'libx265', '-preset', 'ultrafast'];
const AC3 = ['-c:a', 'ac3'];

/** Repackages with other metadata. */
const repackaged = (...args: readonly string[]) => async (path: string): Promise<string> => {
  const changed = path.replace(/(\.\w+)$/, '-changed$1');
  await run(FFMPEG, ['-nostdin', '-v', 'error', '-y', '-i', path, '-c', 'copy', '-map', '0', ...args, changed]);
  return changed;
};
/** Leaves out the end of the file. */
const cut = (share: number) => async (path: string): Promise<string> => {
  const bytes = await readFile(path);
  await writeFile(path, bytes.subarray(0, Math.floor(bytes.length * share)));
  return path;
};
const upTo = (end: number, from = 0): number[] => Array.from({ length: end - from }, (_, i) => from + i);

export const ZOO: readonly Animal[] = [
  { name: 'hdr10.mkv', always: true, clip: { seconds: 5, codecs: [...X265, '-pix_fmt', 'yuv420p10le', '-color_primaries', 'bt2020', '-color_trc', 'smpte2084', '-colorspace', 'bt2020nc', '-x265-params', 'log-level=error:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc', ...AC3] } },
  { name: 'hlg.mkv', clip: { seconds: 5, codecs: [...X265, '-pix_fmt', 'yuv420p10le', '-color_primaries', 'bt2020', '-color_trc', 'arib-std-b67', '-colorspace', 'bt2020nc', '-x265-params', 'log-level=error:colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc', ...AC3] } },
  { name: 'interlaced.ts', clip: { seconds: 5, videoFilter: 'setfield=tff', codecs: [...MPEG2, '-flags', '+ildct+ilme', '-top', '1', '-c:a', 'mp2'] } },
  { name: 'phone.mp4', clip: { seconds: 5, codecs: H264_AAC }, afterwards: repackaged('-metadata:s:v', 'rotate=90'), shown: [180, 320] },
  { name: 'upside-down.mov', clip: { seconds: 5, codecs: H264_AAC }, afterwards: repackaged('-metadata:s:v', 'rotate=180') },
  { name: 'odd.mkv', clip: { seconds: 5, size: '853x479', codecs: ['-c:v', 'ffv1', '-pix_fmt', 'yuv420p', ...AC3] } },
  { name: 'tiny.mkv', clip: { seconds: 5, size: '34x18', codecs: ['-c:v', 'ffv1', ...AC3] } },
  { name: 'mono.mkv', clip: { seconds: 5, codecs: [...MPEG2, '-c:a', 'ac3', '-ac', '1'] } },
  { name: 'surround.mkv', clip: { seconds: 5, audioFilter: 'pan=5.1|c0=c0|c1=c0|c2=c0|c3=0*c0|c4=c0|c5=c0', codecs: [...MPEG2, ...AC3] } },
  { name: 'eight-channels.mkv', clip: { seconds: 5, audioFilter: 'pan=7.1|c0=c0|c1=c0|c2=c0|c3=0*c0|c4=c0|c5=c0|c6=c0|c7=c0', codecs: [...MPEG2, '-c:a', 'flac'] } },
  { name: 'high-sample-rate.mkv', clip: { seconds: 5, codecs: [...MPEG2, '-c:a', 'flac', '-ar', '96000'] } },
  { name: 'low-sample-rate.mkv', clip: { seconds: 5, codecs: [...MPEG2, '-c:a', 'pcm_s16le', '-ar', '8000'] } },
  { name: 'cd.mkv', clip: { seconds: 5, codecs: [...MPEG2, '-c:a', 'libmp3lame', '-ar', '44100'] } },
  { name: 'silent.mkv', clip: { seconds: 5, audioFilter: null, codecs: MPEG2 }, beeps: [] },
  { name: 'sound.mka', clip: { seconds: 5, videoFilter: null, codecs: AC3 }, flashes: [] },
  { name: 'song.mp3', clip: { seconds: 5, videoFilter: null, codecs: ['-c:a', 'libmp3lame'] }, flashes: [] },
  { name: 'variable.mkv', clip: { seconds: 6, videoFilter: "select='lt(mod(t,1),0.5)+not(mod(n,2))'", codecs: [...X265, '-x265-params', 'log-level=error', '-fps_mode', 'vfr', ...AC3] } },
  { name: 'variable.mp4', clip: { seconds: 6, videoFilter: "select='lt(mod(t,1),0.3)+not(mod(n,3))'", codecs: [...H264_AAC, '-fps_mode', 'vfr'] }, seconds: Number.NaN, flashes: upTo(5), beeps: upTo(5) },
  { name: 'film-rate.mkv', clip: { seconds: 5, rate: '24000/1001', codecs: [...MPEG2, ...AC3] } },
  { name: 'ntsc-fields.mkv', clip: { seconds: 5, rate: '60000/1001', codecs: [...MPEG2, ...AC3] } },
  { name: 'late-clock.mkv', clip: { seconds: 5, offsetSeconds: 3_600, codecs: [...MPEG2, ...AC3] } },
  { name: 'late-clock.ts', clip: { seconds: 5, offsetSeconds: 3_600, codecs: [...MPEG2, '-c:a', 'mp2'] } },
  { name: 'wrapping.ts', clip: { seconds: 6, offsetSeconds: 95_440, codecs: [...MPEG2, '-c:a', 'mp2'] } },
  { name: 'wrapping-h264.ts', clip: { seconds: 6, offsetSeconds: 95_440, codecs: H264_AAC } },
  { name: 'ten-bit.mkv', clip: { seconds: 5, codecs: [...X264, '-pix_fmt', 'yuv420p10le', ...AC3] } },
  { name: 'full-chroma.mkv', clip: { seconds: 5, codecs: [...X264, '-pix_fmt', 'yuv444p', ...AC3] } },
  { name: 'gray.mkv', clip: { seconds: 5, codecs: ['-c:v', 'ffv1', '-pix_fmt', 'gray', ...AC3] } },
  { name: 'rgb.mov', clip: { seconds: 5, codecs: ['-c:v', 'qtrle', '-c:a', 'pcm_s16be'] } },
  { name: 'vp8.webm', clip: { seconds: 5, codecs: ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '400k', '-c:a', 'libvorbis'] } },
  { name: 'vp9.webm', clip: { seconds: 5, codecs: ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '400k', '-c:a', 'libopus'] } },
  { name: 'prores.mov', clip: { seconds: 5, codecs: ['-c:v', 'prores_ks', '-profile:v', '0', '-c:a', 'pcm_s16le'] } },
  // Its writer puts an empty picture behind the first one, and its times come from the order alone.
  { name: 'divx.avi', slackSeconds: 0.04, clip: { seconds: 5, codecs: ['-c:v', 'mpeg4', '-q:v', '5', '-bf', '0', '-c:a', 'libmp3lame'] } },
  { name: 'divx-bframes.avi', slackSeconds: 0.04, clip: { seconds: 5, codecs: ['-c:v', 'mpeg4', '-q:v', '5', '-bf', '2', '-c:a', 'libmp3lame'] } },
  { name: 'camera.avi', clip: { seconds: 5, codecs: ['-c:v', 'mjpeg', '-q:v', '5', '-pix_fmt', 'yuvj420p', '-c:a', 'pcm_s16le'] } },
  { name: 'windows.wmv', clip: { seconds: 5, codecs: ['-c:v', 'wmv2', '-q:v', '5', '-c:a', 'wmav2'] }, beeps: upTo(4, 1) },
  { name: 'flash.flv', clip: { seconds: 5, codecs: ['-c:v', 'flv', '-q:v', '5', '-c:a', 'libmp3lame', '-ar', '44100'] } },
  { name: 'theora.ogv', clip: { seconds: 5, codecs: ['-c:v', 'libtheora', '-q:v', '7', '-c:a', 'libvorbis'] } },
  { name: 'disc.mpg', clip: { seconds: 5, codecs: ['-c:v', 'mpeg1video', '-q:v', '5', '-c:a', 'mp2'] } },
  { name: 'dvd.vob', clip: { seconds: 5, size: '720x576', videoFilter: 'setsar=16/15', codecs: [...MPEG2, ...AC3, '-f', 'vob'] }, shown: [768, 576] },
  { name: 'anamorphic.mkv', clip: { seconds: 5, size: '352x288', videoFilter: 'setsar=16/11', codecs: [...MPEG2, ...AC3] }, shown: [512, 288] },
  { name: 'anamorphic.mp4', clip: { seconds: 5, size: '352x288', videoFilter: 'setsar=16/11', codecs: H264_AAC }, shown: [512, 288] },
  { name: 'broadcast.mxf', clip: { seconds: 5, codecs: [...MPEG2, '-c:a', 'pcm_s16le'] } },
  { name: 'short.mkv', clip: { seconds: 0.32, codecs: [...MPEG2, ...AC3] }, flashes: [0], beeps: [0] },
  { name: 'one-picture.mkv', clip: { seconds: 0.04, codecs: [...MPEG2, ...AC3] }, flashes: [0], beeps: [] },
  { name: 'one-a-second.mkv', clip: { seconds: 8, rate: '1', codecs: ['-c:v', 'ffv1', ...AC3] }, flashes: [] },
  { name: 'slow-motion.mkv', clip: { seconds: 4, rate: '120', codecs: [...X264, '-pix_fmt', 'yuv420p10le', ...AC3] }, slackSeconds: 1 / 60 },
  { name: 'cinema.mkv', clip: { seconds: 4, size: '4096x2304', codecs: ['-c:v', 'mpeg4', '-q:v', '10', ...AC3] } },
  { name: 'snow.mkv', always: true, clip: { seconds: 6, size: '640x360', videoFilter: 'noise=alls=60:allf=t', codecs: ['-c:v', 'mpeg2video', '-q:v', '2', ...AC3] } },
  { name: 'portrait.mkv', clip: { seconds: 5, size: '180x320', codecs: [...MPEG2, ...AC3] } },
  { name: 'wide.mkv', clip: { seconds: 5, size: '640x120', codecs: [...MPEG2, ...AC3] } },
  { name: 'late-sound.mkv', always: true, clip: { seconds: 6, audioFilter: 'atrim=start=2', codecs: [...MPEG2, ...AC3] }, beeps: upTo(5, 2) },
  { name: 'late-sound.mp4', clip: { seconds: 6, audioFilter: 'atrim=start=2', codecs: H264_AAC }, beeps: upTo(5, 2) },
  { name: 'late-sound.ts', clip: { seconds: 6, audioFilter: 'atrim=start=2', codecs: H264_AAC }, beeps: upTo(5, 2) },
  { name: 'short-sound.mkv', clip: { seconds: 6, audioFilter: 'atrim=end=2.5', codecs: [...MPEG2, ...AC3] }, beeps: upTo(3) },
  { name: 'long-sound.mkv', clip: { seconds: 6, videoFilter: 'trim=end=3', codecs: [...MPEG2, ...AC3] }, seconds: 3, flashes: upTo(3), beeps: upTo(5) },
  { name: 'late-pictures.mkv', clip: { seconds: 6, videoFilter: 'trim=start=2', codecs: [...MPEG2, ...AC3] }, seconds: 4, flashes: upTo(4), beeps: upTo(3) },
  { name: 'sparse-keyframes.mkv', clip: { seconds: 30, codecs: [...X264, '-pix_fmt', 'yuv420p', '-g', '900', '-sc_threshold', '0', '-c:a', 'aac'] } },
  { name: 'open-groups.mkv', clip: { seconds: 6, codecs: [...X264, '-pix_fmt', 'yuv420p', '-bf', '2', '-g', '25', '-x264-params', 'open-gop=1', '-c:a', 'aac'] } },
  { name: 'cut-off.ts', always: true, clip: { seconds: 8, codecs: [...MPEG2, '-c:a', 'mp2'] }, afterwards: cut(0.6), seconds: Number.NaN, flashes: upTo(3), beeps: upTo(3) },
  { name: 'cut-off.mkv', clip: { seconds: 8, codecs: [...MPEG2, ...AC3] }, afterwards: cut(0.6), refused: /cut short: only \d/ },
  { name: 'cut-off-index-first.mp4', clip: { seconds: 8, codecs: [...H264_AAC, '-movflags', '+faststart'] }, afterwards: cut(0.6), seconds: Number.NaN, flashes: upTo(3), beeps: upTo(3), refused: /./ },
  { name: 'cut-off.mp4', clip: { seconds: 8, codecs: H264_AAC }, afterwards: cut(0.6), refused: /moov|cut off|incomplete|truncated|index/i },
];

/** Makes the file of an animal in a folder. */
export async function catchAnimal({ clip, name, afterwards }: Animal, pathOf: (name: string) => string): Promise<string> {
  const path = await makeSyncClip(pathOf(name), clip);
  return afterwards === undefined ? path : afterwards(path);
}
