/** Containers: the same pictures and sound as ffmpeg, mkvmerge and GStreamer write them with their many options. */
import { writeFile } from 'node:fs/promises';
import { box, renamed, withEdits, withLongOffsets } from './boxes.ts';
import { FFMPEG, tool } from './tools.ts';
import { AAC, type FileRecipe, picture, sound, type Workshop, X264 } from './workshop.ts';

const copyOf = (name: string, group: string, ...args: readonly string[]): FileRecipe => ({
  name, group, make: async (shop) => shop.ffmpeg('-i', await shop.base(), '-map', '0', '-c', 'copy', ...args, shop.path(name)),
});
const FRAG = '+frag_keyframe+empty_moov';

const FRAGMENTED: Readonly<Record<string, readonly string[]>> = {
  'keyframes': [FRAG], 'base': [`${FRAG}+default_base_moof`], 'dash': ['+dash+frag_keyframe'], 'global-sidx': ['+dash+global_sidx+frag_keyframe'], 'separate': [`${FRAG}+separate_moof`],
  'omit': [`${FRAG}+omit_tfhd_offset`], 'cmaf': [`${FRAG}+cmaf`], 'delay-moov': ['+frag_keyframe+delay_moov'], 'every-frame': ['+frag_every_frame+empty_moov'], 'moov-first': ['+frag_keyframe'],
  'negative': [`${FRAG}+negative_cts_offsets`], 'no-sidx': ['+dash+skip_sidx+frag_keyframe'], 'no-trailer': [`${FRAG}+skip_trailer`], 'discont': [`${FRAG}+frag_discont`],
};

function fragmented(): FileRecipe[] {
  const made = Object.entries(FRAGMENTED).map(([name, [flags = '']]) => copyOf(`frag-${name}.mp4`, 'fragmented', '-movflags', flags));
  const without = (gone: string): FileRecipe => ({
    name: `frag-no-${gone}.mp4`, group: 'fragmented',
    make: async (shop) => {
      const whole = await shop.shared('frag.mp4', async (path) => shop.ffmpeg('-i', await shop.base(), '-c', 'copy', '-movflags', `${FRAG}+default_base_moof`, path));
      await shop.changed(whole, `frag-no-${gone}.mp4`, (bytes) => renamed(bytes, gone, 'free'));
    },
  });
  return [...made, copyOf('frag-short.mp4', 'fragmented', '-movflags', '+empty_moov', '-frag_duration', '300000'), copyOf('frag.mov', 'fragmented', '-movflags', FRAG),
    copyOf('smooth.ismv', 'fragmented', '-f', 'ismv'), without('tfdt'), without('mfra'), without('mehd')];
}

const MOVIE: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  'co64': withLongOffsets,
  'free-boxes': (bytes) => Buffer.concat([bytes, box('free', Buffer.alloc(70_000)), box('skip', Buffer.alloc(3))]),
  'unknown-boxes': (bytes) => Buffer.concat([bytes, box('abcd', Buffer.alloc(100, 7)), box('uuid', Buffer.alloc(64, 1))]),
  'no-edits': (bytes) => renamed(bytes, 'edts', 'free'),
  'edit-gap-video': (bytes) => withEdits(bytes, 0, [[700, -1], [9_000, 1_024]]),
  'edit-gap-sound': (bytes) => withEdits(bytes, 1, [[500, -1], [9_000, 1_024]]),
  'edit-gap-long': (bytes) => withEdits(withEdits(bytes, 0, [[4_000, -1], [9_000, 1_024]]), 1, [[4_000, -1], [9_000, 1_024]]),
  'edit-cut-start': (bytes) => withEdits(bytes, 0, [[6_000, 1_024 + 3 * 12_800]]),
  'edit-cut-end': (bytes) => withEdits(withEdits(bytes, 0, [[5_000, 1_024]]), 1, [[5_000, 1_024]]),
  'edit-two': (bytes) => withEdits(withEdits(bytes, 0, [[2_000, 1_024], [3_000, 1_024 + 4 * 12_800]]), 1, [[2_000, 1_024], [3_000, 1_024 + 4 * 48_000]]),
  'edit-repeat': (bytes) => withEdits(bytes, 0, [[2_000, 1_024], [2_000, 1_024]]),
  'edit-backwards': (bytes) => withEdits(bytes, 0, [[2_000, 1_024 + 4 * 12_800], [2_000, 1_024]]),
  'edit-zero-length': (bytes) => withEdits(bytes, 0, [[0, 1_024]]),
  'edit-sound-only': (bytes) => withEdits(bytes, 1, [[9_000, 1_024 + 24_000]]),
};

const movies = (): FileRecipe[] => Object.entries(MOVIE).map(([name, change]) => ({
  name: `${name}.mp4`, group: 'boxes', make: async (shop: Workshop) => shop.changed(await shop.base(), `${name}.mp4`, change),
}));

const MKVMERGE: Readonly<Record<string, readonly string[]>> = {
  'plain': [], 'zlib': ['--compression', '0:zlib', '--compression', '1:zlib'], 'zlib-sound': ['--compression', '1:zlib'], 'zlib-pictures': ['--compression', '0:zlib'],
  'no-compression': ['--compression', '-1:none'], 'lacing-xiph': ['--engage', 'lacing_xiph'], 'lacing-ebml': ['--engage', 'lacing_ebml'], 'no-lacing': ['--disable-lacing'],
  'cues-none': ['--cues', '0:none', '--cues', '1:none'], 'cues-all': ['--cues', '0:all', '--cues', '1:all'], 'no-simpleblocks': ['--engage', 'no_simpleblocks'], 'headers-twice': ['--engage', 'write_headers_twice'],
  'no-meta-seek': ['--engage', 'no_meta_seek'], 'short-clusters': ['--cluster-length', '3'], 'long-clusters': ['--cluster-length', '30000ms'], 'fine-clock': ['--timestamp-scale', '100000'],
  'coarse-clock': ['--timestamp-scale', '10000000'], 'durations': ['--enable-durations'], 'late-sound': ['--sync', '1:700'], 'early-sound': ['--sync', '1:-300'], 'late-pictures': ['--sync', '0:900'],
  'stretched': ['--sync', '0:0,25/24', '--sync', '1:0,25/24'], 'other-rate': ['--default-duration', '0:24000/1001p', '--fix-bitstream-timing-information', '0:1'],
  'aspect': ['--aspect-ratio', '0:4/3'], 'display': ['--display-dimensions', '0:400x100'], 'cropped': ['--cropping', '0:10,20,10,20'], 'stereo': ['--stereo-mode', '0:side_by_side_left_first'],
  'disabled-track': ['--track-enabled-flag', '1:0'], 'not-default': ['--default-track-flag', '0:0', '--default-track-flag', '1:0'], 'title': ['--title', 'A „title“ & <more> \u{1F3AC}\n#EXTM3U', '--track-name', '1:"quoted", name'],
  'codec-state': ['--engage', 'use_codec_state_only'], 'split': ['--split', 'duration:5s', '--link'],
};

function mkvmerge(): FileRecipe[] {
  const needs = 'mkvmerge';
  const plain = Object.entries(MKVMERGE).map(([option, args]): FileRecipe => ({
    name: option === 'split' ? 'merge-split-002.mkv' : `merge-${option}.mkv`, group: 'mkvmerge', needs,
    make: async (shop) => shop.mkvmerge(option === 'split' ? 'merge-split.mkv' : `merge-${option}.mkv`, ...args, await shop.base()),
  }));
  const codecs = Object.entries({
    'mp3': ['-c:a', 'libmp3lame'], 'flac': ['-c:a', 'flac'], 'opus': ['-c:a', 'libopus'], 'vorbis': ['-c:a', 'libvorbis'], 'ac3': ['-c:a', 'ac3'], 'pcm': ['-c:a', 'pcm_s16le'],
  }).flatMap(([name, codec]) => ['', 'lacing_xiph', 'zlib'].map((engaged): FileRecipe => {
    const file = `merge-${name}${engaged === '' ? '' : `-${engaged.replace('lacing_', '')}`}.mkv`;
    return {
      name: file, group: 'mkvmerge', needs,
      make: async (shop) => {
        const from = await shop.shared(`${name}.mkv`, (path) => shop.ffmpeg(...picture(), ...sound(), ...X264, ...codec, path));
        await shop.mkvmerge(file, ...(engaged === '' ? [] : engaged === 'zlib' ? ['--compression', '1:zlib'] : ['--engage', engaged]), from);
      },
    };
  }));
  const append = (file: string, ...second: readonly string[]): FileRecipe => ({
    name: file, group: 'joined', needs,
    make: async (shop) => {
      const one = await shop.shared(`one-${file}`, (path) => shop.ffmpeg(...picture({ seconds: 7 }), ...sound({ seconds: 7 }), ...X264, ...AAC, path));
      const two = await shop.shared(`two-${file}`, (path) => shop.ffmpeg(...picture({ seconds: 7, ...(second[0] === undefined ? {} : { size: second[0] }) }), ...sound({ seconds: 7 }), ...X264, ...second.slice(1), ...AAC, path));
      await shop.mkvmerge(file, one, '+', two);
    },
  });
  const extras: FileRecipe = {
    name: 'merge-attachments.mkv', group: 'mkvmerge', needs,
    make: async (shop) => {
      await writeFile(shop.path('shared/font.ttf'), Buffer.alloc(300_000, 5));
      await writeFile(shop.path('shared/chapters.txt'), 'CHAPTER01=00:00:00.000\nCHAPTER01NAME=One\nCHAPTER02=00:00:04.000\nCHAPTER02NAME=Two "2"\n');
      const fonts = Array.from({ length: 30 }, () => ['--attachment-mime-type', 'font/ttf', '--attach-file', shop.path('shared/font.ttf')]).flat();
      await shop.mkvmerge('merge-attachments.mkv', '--chapters', shop.path('shared/chapters.txt'), ...fonts, await shop.base());
    },
  };
  return [...plain, ...codecs, append('append-same.mkv'), append('append-other-profile.mkv', '192x108', '-profile:v', 'main', '-refs', '4', '-bf', '0'), append('append-larger.mkv', '256x144'), extras];
}

const pipe = (name: string, ...args: readonly string[]): FileRecipe => ({
  name, group: 'streamed',
  make: async (shop) => {
    const { stdout } = await tool(FFMPEG, ['-nostdin', '-v', 'error', '-i', await shop.base(), '-map', '0', ...args, 'pipe:1']);
    await writeFile(shop.path(name), stdout);
  },
});

function piped(): FileRecipe[] {
  const vp9 = ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '200k', '-g', '63', '-c:a', 'libopus'];
  return [
    pipe('piped.mkv', '-c', 'copy', '-f', 'matroska'), pipe('live.mkv', '-c', 'copy', '-f', 'matroska', '-live', '1'), pipe('piped.webm', ...vp9, '-f', 'webm'), pipe('live.webm', ...vp9, '-f', 'webm', '-live', '1'),
    pipe('piped.flv', '-c', 'copy', '-f', 'flv'), pipe('no-length.flv', '-c', 'copy', '-f', 'flv', '-flvflags', 'no_duration_filesize+no_sequence_end'), pipe('piped.ts', '-c', 'copy', '-f', 'mpegts'),
    pipe('piped.mp4', '-c', 'copy', '-f', 'mp4', '-movflags', FRAG), pipe('piped.avi', '-c', 'copy', '-f', 'avi', '-bsf:v', 'h264_mp4toannexb'), pipe('piped.nut', '-c', 'copy', '-f', 'nut'),
    copyOf('cues-first.mkv', 'streamed', '-reserve_index_space', '50000'), copyOf('no-cues.mkv', 'streamed', '-cluster_time_limit', '100'), copyOf('cluster-bytes.mkv', 'streamed', '-cluster_size_limit', '2000'),
    copyOf('faststart.mp4', 'streamed', '-movflags', '+faststart'), copyOf('no-editlist.mp4', 'streamed', '-use_editlist', '0'), copyOf('negative.mp4', 'streamed', '-movflags', '+negative_cts_offsets'),
    copyOf('fine-clock.mp4', 'streamed', '-video_track_timescale', '1000000'), copyOf('coarse-clock.mp4', 'streamed', '-video_track_timescale', '25'), copyOf('flagged.m2ts', 'streamed', '-mpegts_m2ts_mode', '1'),
    copyOf('small-pes.ts', 'streamed', '-pes_payload_size', '0'), copyOf('large-pes.ts', 'streamed', '-pes_payload_size', '6000'), copyOf('vbr.ts', 'streamed', '-muxrate', '3M'), copyOf('often.ts', 'streamed', '-pat_period', '0.02', '-flush_packets', '1'),
    copyOf('no-delay.ts', 'streamed', '-muxdelay', '0', '-muxpreload', '0'), copyOf('resent.ts', 'streamed', '-mpegts_flags', '+resend_headers+initial_discontinuity'), copyOf('renamed.mp4', 'streamed', '-f', 'matroska'),
    copyOf('renamed.mkv', 'streamed', '-f', 'mpegts'), copyOf('renamed.avi', 'streamed', '-f', 'mp4'), copyOf('renamed.webm', 'streamed', '-f', 'mov'), copyOf('no-suffix.xyz', 'streamed', '-f', 'matroska'),
  ];
}

const GST: Readonly<Record<string, readonly [suffix: string, ...mux: string[]]>> = {
  'mp4': ['mp4', 'mp4mux'], 'mp4-faststart': ['mp4', 'mp4mux', 'faststart=true'], 'mp4-fragments': ['mp4', 'mp4mux', 'fragment-duration=1000'], 'mp4-streamable': ['mp4', 'mp4mux', 'fragment-duration=1000', 'streamable=true'],
  'mp4-first-dts': ['mp4', 'mp4mux', 'presentation-time=false'], 'mov': ['mov', 'qtmux'], 'mov-fragments': ['mov', 'qtmux', 'fragment-duration=700'], 'mkv': ['mkv', 'matroskamux'], 'mkv-streamable': ['mkv', 'matroskamux', 'streamable=true'],
  'mkv-v1': ['mkv', 'matroskamux', 'version=1'], 'mkv-offset': ['mkv', 'matroskamux', 'offset-to-zero=true'], 'ts': ['ts', 'mpegtsmux'], 'ts-aligned': ['ts', 'mpegtsmux', 'alignment=7'], 'm2ts': ['m2ts', 'mpegtsmux', 'm2ts-mode=true'],
  'flv': ['flv', 'flvmux'], 'flv-streamable': ['flv', 'flvmux', 'streamable=true'], '3gp': ['3gp', '3gppmux'],
};

const gstreamer = (): FileRecipe[] => Object.entries(GST).map(([option, [suffix, element = '', ...args]]) => ({
  name: `gst-${option}.${suffix}`, group: 'gstreamer', needs: 'gst-launch-1.0' as const,
  make: async (shop: Workshop) => shop.gst(
    'filesrc', `location=${await shop.base()}`, '!', 'qtdemux', 'name=d', 'd.video_0', '!', 'queue', '!', 'h264parse', '!', 'm.', 'd.audio_0', '!', 'queue', '!', 'aacparse', '!', 'm.',
    element, 'name=m', ...args, '!', 'filesink', `location=${shop.path(`gst-${option}.${suffix}`)}`,
  ),
}));

export const muxRecipes = (): FileRecipe[] => [...fragmented(), ...movies(), ...mkvmerge(), ...piped(), ...gstreamer()];
