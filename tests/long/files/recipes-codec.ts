/** Codecs: each coding of pictures in some containers, each coding of sound in others. */
import { AAC, type FileRecipe, type Picture, picture, sound, X264 } from './workshop.ts';

const x264 = (params: string, ...more: readonly string[]): string[] => ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', ...more, '-x264-params', params];
const medium = (params: string, ...more: readonly string[]): string[] => ['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', ...more, '-x264-params', params];
const x265 = (params: string, ...more: readonly string[]): string[] => ['-c:v', 'libx265', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', ...more, '-x265-params', `log-level=none:${params}`];
const vp9 = (...more: readonly string[]): string[] => ['-c:v', 'libvpx-vp9', '-cpu-used', '8', '-deadline', 'realtime', '-b:v', '200k', '-g', '63', ...more];
const HDR = ['-color_primaries', 'bt2020', '-color_trc', 'smpte2084', '-colorspace', 'bt2020nc'];
const HLG = ['-color_primaries', 'bt2020', '-color_trc', 'arib-std-b67', '-colorspace', 'bt2020nc'];

interface Coding extends Picture {
  args: readonly string[];
  into: readonly string[];
}
const H264 = ['mkv', 'mp4', 'ts'];

const PICTURES: Readonly<Record<string, Coding>> = {
  'h264-baseline': { args: x264('keyint=63', '-profile:v', 'baseline'), into: [...H264, 'flv', 'avi', '3gp'] },
  'h264-main': { args: medium('keyint=63', '-profile:v', 'main'), into: [...H264, 'mov', 'flv', 'm4v'] },
  'h264-high': { args: medium('keyint=63:bframes=3', '-profile:v', 'high'), into: [...H264, 'mov', 'flv', 'avi', 'm2ts', 'mts'] },
  'h264-10bit': { args: x264('keyint=63', '-pix_fmt', 'yuv420p10le'), into: ['mkv', 'mp4'] },
  'h264-422': { args: x264('keyint=63', '-pix_fmt', 'yuv422p'), into: ['mkv', 'mov'] },
  'h264-422-10': { args: x264('keyint=63', '-pix_fmt', 'yuv422p10le'), into: ['ts', 'mov'] },
  'h264-444': { args: x264('keyint=63', '-pix_fmt', 'yuv444p'), into: ['mkv', 'mp4'] },
  'h264-gray': { args: medium('keyint=63', '-pix_fmt', 'gray'), into: ['mkv'] },
  'h264-lossless': { args: x264('keyint=63:qp=0'), into: ['mkv', 'mp4'] },
  'h264-rgb': { args: ['-c:v', 'libx264rgb', '-preset', 'ultrafast', '-g', '63'], into: ['mkv', 'mp4'] },
  'h264-mbaff-tff': { args: medium('keyint=63:tff=1', '-flags', '+ildct+ilme'), filter: 'setfield=tff', into: [...H264, 'mov'] },
  'h264-mbaff-bff': { args: medium('keyint=63:bff=1', '-flags', '+ildct+ilme'), filter: 'setfield=bff', into: ['mkv', 'ts'] },
  'h264-fake-interlaced': { args: medium('keyint=63:fake-interlaced=1'), into: ['mkv', 'ts'] },
  'h264-pulldown': { args: medium('keyint=48:pulldown=32'), rate: '24000/1001', into: ['mkv', 'ts'] },
  'h264-open-gop': { args: medium('keyint=25:open-gop=1:bframes=3:b-adapt=0:scenecut=0'), into: [...H264, 'mov'] },
  'h264-open-gop-long': { args: medium('keyint=75:open-gop=1:bframes=3:b-adapt=0:scenecut=0'), seconds: 14, into: ['mkv', 'ts'] },
  'h264-slices': { args: medium('keyint=63:slices=6'), into: H264 },
  'h264-small-slices': { args: medium('keyint=63:slice-max-size=300'), into: ['mkv', 'ts', 'flv'] },
  'h264-intra-refresh': { args: medium('keyint=63:intra-refresh=1'), into: H264 },
  'h264-long-groups': { args: medium('keyint=250:min-keyint=250:scenecut=0'), seconds: 16, into: H264 },
  'h264-one-keyframe': { args: medium('keyint=infinite:scenecut=0'), seconds: 24, into: ['mkv', 'mp4', 'ts'] },
  'h264-stitchable': { args: medium('keyint=63:stitchable=1'), into: ['mkv', 'ts'] },
  'h264-pyramid': { args: medium('keyint=63:bframes=8:b-pyramid=normal:b-adapt=0:ref=6'), into: [...H264, 'flv'] },
  'h264-strict-pyramid': { args: medium('keyint=63:bframes=5:b-pyramid=strict:b-adapt=0'), into: ['mkv', 'avi'] },
  'h264-no-b': { args: medium('keyint=63:bframes=0'), into: [...H264, 'avi'] },
  'h264-zerolatency': { args: [...medium('keyint=63'), '-tune', 'zerolatency'], into: ['mkv', 'ts', 'flv'] },
  'h264-aud-repeat': { args: medium('keyint=63:aud=1:repeat-headers=1'), into: H264 },
  'h264-hrd-filler': { args: medium('keyint=63:nal-hrd=cbr:filler=1:vbv-maxrate=300:vbv-bufsize=300:bitrate=300'), into: H264 },
  'h264-sps-id': { args: medium('keyint=63:sps-id=5'), into: H264 },
  'h264-all-intra': { args: medium('keyint=1'), into: H264 },
  'h264-cavlc': { args: medium('keyint=63:cabac=0:8x8dct=1:weightp=2'), into: ['mkv'] },
  'h264-vui': { args: [...medium('keyint=63:overscan=show:videoformat=pal:fullrange=on:chromaloc=1'), '-color_primaries', 'bt470bg', '-color_trc', 'gamma28', '-colorspace', 'bt470bg', '-color_range', 'pc'], into: ['mkv', 'mp4'] },
  'h264-field-sei': { args: medium('keyint=63:pic-struct=1'), into: ['ts', 'mkv'] },
  'h264-high-level': { args: medium('keyint=63:level=6.2'), into: ['mkv'] },
  'hevc-main': { args: x265('keyint=63:open-gop=0'), into: ['mkv', 'ts', 'mov'] },
  'hevc-hvc1': { args: [...x265('keyint=63:open-gop=0'), '-tag:v', 'hvc1'], into: ['mp4'] },
  'hevc-hev1': { args: [...x265('keyint=63:open-gop=0:repeat-headers=1'), '-tag:v', 'hev1'], into: ['mp4'] },
  'hevc-main10': { args: x265('keyint=63:open-gop=0', '-pix_fmt', 'yuv420p10le'), into: ['mkv', 'mp4', 'ts'] },
  'hevc-open-gop': { args: x265('keyint=63:open-gop=1:bframes=4:scenecut=0'), into: ['mkv', 'mp4', 'ts'] },
  'hevc-rasl': { args: x265('keyint=63:open-gop=1:bframes=4:scenecut=0:radl=0:aud=1'), into: ['ts'] },
  'hevc-radl': { args: x265('keyint=63:open-gop=0:radl=2:bframes=4:scenecut=0'), into: ['mkv'] },
  'hevc-intra': { args: x265('keyint=1'), into: ['mkv'] },
  'hevc-422': { args: x265('keyint=63', '-pix_fmt', 'yuv422p10le'), into: ['mkv'] },
  'hevc-444': { args: x265('keyint=63', '-pix_fmt', 'yuv444p'), into: ['mkv'] },
  'hevc-hdr10': { args: [...x265('keyint=63:hdr10=1:repeat-headers=1:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):max-cll=1000,400', '-pix_fmt', 'yuv420p10le'), ...HDR], into: ['mkv', 'mp4'] },
  'hevc-hlg': { args: [...x265('keyint=63', '-pix_fmt', 'yuv420p10le'), ...HLG], into: ['mkv', 'ts'] },
  'vp9': { args: vp9(), into: ['webm', 'mkv', 'mp4'] },
  'vp9-altref': { args: ['-c:v', 'libvpx-vp9', '-cpu-used', '5', '-deadline', 'good', '-b:v', '200k', '-g', '60', '-auto-alt-ref', '1', '-lag-in-frames', '25', '-arnr-maxframes', '7'], into: ['webm', 'mkv', 'mp4'] },
  'vp9-10bit': { args: vp9('-pix_fmt', 'yuv420p10le', '-profile:v', '2'), into: ['webm', 'mkv'] },
  'vp9-444': { args: vp9('-pix_fmt', 'yuv444p', '-profile:v', '1'), into: ['mkv'] },
  'vp9-lossless': { args: vp9('-lossless', '1'), into: ['webm'] },
  'vp9-resilient': { args: vp9('-error-resilient', '1'), into: ['mkv'] },
  'vp8': { args: ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '300k', '-g', '63'], into: ['webm', 'mkv'] },
  'vp8-altref': { args: ['-c:v', 'libvpx', '-deadline', 'good', '-cpu-used', '5', '-b:v', '300k', '-g', '60', '-auto-alt-ref', '1', '-lag-in-frames', '16'], into: ['webm'] },
  'av1-aom': { args: ['-c:v', 'libaom-av1', '-cpu-used', '8', '-usage', 'realtime', '-b:v', '200k', '-g', '63'], into: ['mkv', 'mp4', 'webm'] },
  'av1-svt': { args: ['-c:v', 'libsvtav1', '-preset', '12', '-g', '63'], into: ['mkv', 'mp4'] },
  'av1-10bit': { args: ['-c:v', 'libaom-av1', '-cpu-used', '8', '-usage', 'realtime', '-b:v', '200k', '-g', '63', '-pix_fmt', 'yuv420p10le'], into: ['mkv'] },
  'mpeg2': { args: ['-c:v', 'mpeg2video', '-q:v', '5', '-g', '15', '-bf', '2'], into: ['ts', 'mpg', 'mkv', 'mxf', 'm2ts'] },
  'mpeg2-interlaced': { args: ['-c:v', 'mpeg2video', '-q:v', '5', '-g', '12', '-flags', '+ildct+ilme', '-top', '1'], filter: 'setfield=tff', into: ['ts', 'mpg'] },
  'mpeg2-422': { args: ['-c:v', 'mpeg2video', '-q:v', '5', '-pix_fmt', 'yuv422p', '-g', '1'], into: ['mxf', 'ts'] },
  'mpeg1': { args: ['-c:v', 'mpeg1video', '-q:v', '5'], into: ['mpg'] },
  'mpeg4': { args: ['-c:v', 'mpeg4', '-q:v', '5', '-bf', '2'], into: ['mp4', 'avi', 'mkv', '3gp'] },
  'mpeg4-qpel': { args: ['-c:v', 'mpeg4', '-q:v', '5', '-flags', '+qpel+mv4'], into: ['avi', 'mp4'] },
  'xvid': { args: ['-c:v', 'libxvid', '-q:v', '5', '-bf', '1'], into: ['avi'] },
  'msmpeg4': { args: ['-c:v', 'msmpeg4', '-q:v', '5'], into: ['avi', 'wmv'] },
  'h263': { args: ['-c:v', 'h263', '-q:v', '5'], size: '176x144', into: ['3gp', 'avi', 'mov'] },
  'mjpeg': { args: ['-c:v', 'mjpeg', '-q:v', '5', '-pix_fmt', 'yuvj420p'], into: ['avi', 'mov', 'mkv'] },
  'prores': { args: ['-c:v', 'prores_ks', '-profile:v', '2'], into: ['mov', 'mkv'] },
  'prores-4444': { args: ['-c:v', 'prores_ks', '-profile:v', '4', '-pix_fmt', 'yuva444p10le'], into: ['mov'] },
  'dnxhr': { args: ['-c:v', 'dnxhd', '-profile:v', 'dnxhr_lb', '-pix_fmt', 'yuv422p'], size: '256x144', into: ['mov', 'mxf'] },
  'theora': { args: ['-c:v', 'libtheora', '-q:v', '6'], into: ['ogv', 'mkv'] },
  'wmv1': { args: ['-c:v', 'wmv1', '-q:v', '5'], into: ['wmv', 'avi'] },
  'wmv2': { args: ['-c:v', 'wmv2', '-q:v', '5'], into: ['wmv'] },
  'flv1': { args: ['-c:v', 'flv', '-q:v', '5'], into: ['flv', 'avi'] },
  'flashsv': { args: ['-c:v', 'flashsv'], into: ['flv'] },
  'ffv1': { args: ['-c:v', 'ffv1', '-level', '3'], into: ['mkv', 'avi'] },
  'huffyuv': { args: ['-c:v', 'huffyuv', '-pix_fmt', 'yuv422p'], into: ['avi', 'mkv'] },
  'utvideo': { args: ['-c:v', 'utvideo'], into: ['avi'] },
  'rawvideo': { args: ['-c:v', 'rawvideo', '-pix_fmt', 'yuv420p'], into: ['avi', 'nut'] },
  'v210': { args: ['-c:v', 'v210'], into: ['mov'] },
  'qtrle': { args: ['-c:v', 'qtrle'], into: ['mov'] },
  'png': { args: ['-c:v', 'png'], into: ['mov', 'mkv'] },
  'jpeg2000': { args: ['-c:v', 'jpeg2000', '-q:v', '5'], into: ['mxf', 'mov'] },
  'cinepak': { args: ['-c:v', 'cinepak'], size: '64x48', seconds: 3, into: ['avi'] },
  'svq1': { args: ['-c:v', 'svq1'], into: ['mov'] },
  'rv20': { args: ['-c:v', 'rv20'], size: '176x144', into: ['rm'] },
  'dv': { args: ['-c:v', 'dvvideo', '-pix_fmt', 'yuv420p'], size: '720x576', seconds: 4, into: ['avi', 'dv'] },
  'vc2': { args: ['-c:v', 'vc2'], seconds: 4, into: ['mkv'] },
  'cfhd': { args: ['-c:v', 'cfhd', '-pix_fmt', 'yuv422p10le'], size: '256x144', into: ['mov'] },
  'hap': { args: ['-c:v', 'hap'], into: ['mov'] },
};
/** Sound that fits beside the pictures. */
const BESIDE: Readonly<Record<string, readonly string[]>> = {
  webm: ['-c:a', 'libopus'], mpg: ['-c:a', 'mp2'], mxf: ['-c:a', 'pcm_s16le'], wmv: ['-c:a', 'wmav2'], ogv: ['-c:a', 'libvorbis'], avi: ['-c:a', 'libmp3lame'], flv: ['-c:a', 'aac'],
  rm: ['-c:a', 'ac3'], dv: ['-c:a', 'pcm_s16le', '-ac', '2'], nut: ['-c:a', 'pcm_s16le'],
};

const SOUNDS: Readonly<Record<string, { args: readonly string[]; rate?: number; filter?: string; into: readonly string[] }>> = {
  'aac-44k': { args: ['-c:a', 'aac'], rate: 44_100, into: ['mkv', 'mp4', 'ts', 'flv', 'mov'] },
  'aac-mono': { args: ['-c:a', 'aac', '-ac', '1'], into: ['mkv', 'ts'] },
  'aac-8k': { args: ['-c:a', 'aac', '-ac', '1'], rate: 8_000, into: ['mkv', 'ts', 'mp4'] },
  'aac-96k': { args: ['-c:a', 'aac', '-ac', '2'], rate: 96_000, into: ['mkv', 'ts', 'mp4'] },
  'aac-22k': { args: ['-c:a', 'aac'], rate: 22_050, into: ['mkv', 'ts'] },
  'aac-51': { args: ['-c:a', 'aac', '-ac', '6'], filter: 'pan=5.1|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0', into: ['mkv', 'ts', 'mp4'] },
  'aac-71': { args: ['-c:a', 'aac'], filter: 'pan=7.1|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0|c6=c0|c7=c0', into: ['mkv', 'ts', 'mp4'] },
  'aac-main': { args: ['-c:a', 'aac', '-profile:a', 'aac_main', '-strict', '-2'], into: ['mkv', 'ts'] },
  'aac-latm': { args: ['-c:a', 'aac', '-mpegts_flags', 'latm'], into: ['ts'] },
  'mp3-44k': { args: ['-c:a', 'libmp3lame', '-b:a', '128k'], rate: 44_100, into: ['mkv', 'mp4', 'avi', 'flv', 'ts', 'mov'] },
  'mp3-48k-vbr': { args: ['-c:a', 'libmp3lame', '-q:a', '4'], into: ['mkv', 'mp4', 'ts', 'avi'] },
  'mp3-22k': { args: ['-c:a', 'libmp3lame', '-b:a', '32k'], rate: 22_050, into: ['mkv', 'flv', 'avi'] },
  'mp3-8k': { args: ['-c:a', 'libmp3lame', '-b:a', '16k', '-ac', '1'], rate: 8_000, into: ['mkv'] },
  'mp2': { args: ['-c:a', 'mp2', '-b:a', '192k'], into: ['ts', 'mkv', 'mp4'] },
  'opus-20ms': { args: ['-c:a', 'libopus', '-b:a', '64k'], into: ['mkv', 'mp4', 'ts', 'webm'] },
  'opus-60ms': { args: ['-c:a', 'libopus', '-frame_duration', '60'], into: ['mkv', 'mp4'] },
  'opus-2.5ms': { args: ['-c:a', 'libopus', '-frame_duration', '2.5', '-application', 'lowdelay'], into: ['mkv'] },
  'opus-51': { args: ['-c:a', 'libopus', '-mapping_family', '1'], filter: 'pan=5.1|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0', into: ['mkv', 'mp4'] },
  'vorbis': { args: ['-c:a', 'libvorbis'], into: ['mkv', 'mp4'] },
  'flac-16': { args: ['-c:a', 'flac', '-sample_fmt', 's16'], into: ['mkv', 'mp4'] },
  'flac-24': { args: ['-c:a', 'flac', '-sample_fmt', 's32', '-bits_per_raw_sample', '24'], into: ['mkv', 'mp4'] },
  'flac-96k': { args: ['-c:a', 'flac', '-sample_fmt', 's32'], rate: 96_000, into: ['mkv', 'mp4'] },
  'flac-51': { args: ['-c:a', 'flac'], filter: 'pan=5.1|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0', into: ['mkv'] },
  'alac': { args: ['-c:a', 'alac'], into: ['mkv', 'mov', 'mp4'] },
  'pcm-s16le': { args: ['-c:a', 'pcm_s16le'], into: ['mkv', 'mov', 'avi'] },
  'pcm-s24le': { args: ['-c:a', 'pcm_s24le'], into: ['mkv', 'mov'] },
  'pcm-f32le': { args: ['-c:a', 'pcm_f32le'], into: ['mkv', 'mov'] },
  'pcm-s16be': { args: ['-c:a', 'pcm_s16be'], into: ['mov'] },
  'pcm-alaw': { args: ['-c:a', 'pcm_alaw'], rate: 8_000, into: ['mov', 'avi'] },
  'pcm-u8': { args: ['-c:a', 'pcm_u8'], into: ['avi'] },
  'pcm-bluray': { args: ['-c:a', 'pcm_bluray', '-ac', '2'], into: ['m2ts'] },
  'ac3': { args: ['-c:a', 'ac3'], into: ['mkv', 'mp4', 'ts', 'avi'] },
  'eac3': { args: ['-c:a', 'eac3'], into: ['mkv', 'mp4', 'ts'] },
  'dts': { args: ['-c:a', 'dca', '-strict', '-2'], into: ['mkv', 'ts'] },
  'truehd': { args: ['-c:a', 'truehd', '-strict', '-2', '-ac', '2'], into: ['mkv'] },
  'wma': { args: ['-c:a', 'wmav2'], into: ['mkv', 'avi'] },
  'adpcm-ima': { args: ['-c:a', 'adpcm_ima_wav'], into: ['avi'] },
  'adpcm-swf': { args: ['-c:a', 'adpcm_swf', '-ac', '1'], rate: 22_050, into: ['flv'] },
  'nellymoser': { args: ['-c:a', 'nellymoser', '-ac', '1'], rate: 22_050, into: ['flv'] },
  'speex': { args: ['-c:a', 'libspeex', '-ac', '1'], rate: 16_000, into: ['flv'] },
  'wavpack': { args: ['-c:a', 'wavpack'], into: ['mkv'] },
  'tta': { args: ['-c:a', 'tta'], into: ['mkv'] },
};

const SONGS: Readonly<Record<string, readonly string[]>> = {
  'song.mp3': ['-c:a', 'libmp3lame'], 'song-vbr.mp3': ['-c:a', 'libmp3lame', '-q:a', '2'], 'song-bare.mp3': ['-c:a', 'libmp3lame', '-write_xing', '0', '-id3v2_version', '0'], 'song.m4a': ['-c:a', 'aac'],
  'song.aac': ['-c:a', 'aac'], 'song.flac': ['-c:a', 'flac'], 'song.ogg': ['-c:a', 'libvorbis'], 'song.opus': ['-c:a', 'libopus'], 'song.wav': ['-c:a', 'pcm_s16le'],
  'song-24.wav': ['-c:a', 'pcm_s24le'], 'song.aiff': ['-c:a', 'pcm_s16be'], 'song.wma': ['-c:a', 'wmav2'], 'song.ac3': ['-c:a', 'ac3'], 'song.mka': ['-c:a', 'libopus'], 'song-aac.mka': ['-c:a', 'aac'],
  'song-alac.m4a': ['-c:a', 'alac'], 'song.mp2': ['-c:a', 'mp2'], 'song.caf': ['-c:a', 'alac'], 'song.w64': ['-c:a', 'pcm_s16le'], 'song.au': ['-c:a', 'pcm_s16be'], 'song.dts': ['-c:a', 'dca', '-strict', '-2'],
  'song.weba': ['-c:a', 'libopus', '-f', 'webm'], 'song.oga': ['-c:a', 'flac'], 'song.tta': ['-c:a', 'tta'], 'song.wv': ['-c:a', 'wavpack'],
};

export function codecRecipes(): FileRecipe[] {
  const pictures = Object.entries(PICTURES).flatMap(([name, { args, into, ...shown }]) => into.map((suffix): FileRecipe => {
    const file = `v-${name}.${suffix}`;
    const beside = BESIDE[suffix] ?? AAC;
    const narrow = suffix === '3gp' || suffix === 'rm' ? ['-ar', '44100'] : [];
    return { name: file, group: 'pictures', make: (shop) => shop.ffmpeg(...picture(shown), ...sound({ seconds: shown.seconds ?? 9 }), ...args, ...beside, ...narrow, '-strict', '-2', shop.path(file)) };
  }));
  const sounds = Object.entries(SOUNDS).flatMap(([name, { args, rate, filter, into }]) => into.map((suffix): FileRecipe => {
    const file = `a-${name}.${suffix}`;
    const pictures = suffix === 'webm' ? vp9() : suffix === 'flv' || suffix === 'avi' ? [...X264, '-bf', '0'] : X264;
    return { name: file, group: 'sound', make: (shop) => shop.ffmpeg(...picture(), ...sound({ ...(rate === undefined ? {} : { rate }), ...(filter === undefined ? {} : { filter }) }), ...pictures, ...args, '-strict', '-2', shop.path(file)) };
  }));
  const songs = Object.entries(SONGS).map(([file, args]): FileRecipe => ({ name: file, group: 'songs', make: (shop) => shop.ffmpeg(...sound(), ...args, shop.path(file)) }));
  return [...pictures, ...sounds, ...songs];
}
