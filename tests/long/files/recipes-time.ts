/** Time, shape, tracks, and files put together of several. */
import { readFile, writeFile } from 'node:fs/promises';
import { AAC, type FileRecipe, type Picture, picture, sound, type Workshop, X264 } from './workshop.ts';

const copyOf = (name: string, group: string, ...args: readonly string[]): FileRecipe => ({
  name, group, make: async (shop) => shop.ffmpeg('-i', await shop.base(), '-map', '0', '-c', 'copy', ...args, shop.path(name)),
});
const encoded = (name: string, group: string, shown: Picture, more: readonly string[] = [], heard: Parameters<typeof sound>[0] = {}): FileRecipe => ({
  name, group, make: (shop) => shop.ffmpeg(...picture(shown), ...sound({ seconds: shown.seconds ?? 9, ...heard }), ...X264, ...AAC, ...more, shop.path(name)),
});

const CONTAINERS = ['mkv', 'mp4', 'ts', 'mov', 'flv'];
const OFFSETS = ['0.5', '10', '3600', '95435', '95443.2'];

// Times are written as they are: setts changes them behind the encoder.
const setts = (name: string, pts: string, dts = pts): FileRecipe => ({
  name, group: 'odd times',
  make: async (shop) => shop.ffmpeg('-i', await shop.base('nob.mp4', '-bf', '0'), '-map', '0', '-c', 'copy', '-bsf:v', `setts=pts='${pts}':dts='${dts}'`, shop.path(name)),
});

function clocks(): FileRecipe[] {
  const late = CONTAINERS.flatMap((suffix) => OFFSETS.filter((offset) => suffix === 'ts' || offset.length < 5).map((offset) => copyOf(`offset-${offset}.${suffix}`, 'clock', '-output_ts_offset', offset)));
  const rates = ['24000/1001', '30000/1001', '60000/1001', '50', '120', '15', '12', '5', '1', '0.5'].flatMap((rate) => ['mkv', 'mp4', 'ts'].map((suffix) => encoded(`rate-${rate.replace('/', '_')}.${suffix}`, 'rate', { rate, seconds: 10 }, ['-g', rate === '0.5' || rate === '1' ? '3' : '30'])));
  const uneven = ['mkv', 'mp4', 'ts', 'mov'].flatMap((suffix) => [
    encoded(`vfr-halved.${suffix}`, 'vfr', { filter: "select='lt(mod(t,2),1)+not(mod(n,2))'" }, ['-fps_mode', 'vfr']),
    encoded(`vfr-holes.${suffix}`, 'vfr', { filter: "select='lt(mod(t,3),1.7)'" }, ['-fps_mode', 'vfr']),
    encoded(`vfr-random.${suffix}`, 'vfr', { rate: '50', filter: "select='gt(random(3),0.45)'" }, ['-fps_mode', 'vfr', '-bf', '0']),
  ]);
  const odd = ['mkv', 'ts', 'mp4'].flatMap((suffix) => [
    setts(`double-times.${suffix}`, 'PTS-if(eq(mod(N,10),5),512,0)', suffix === 'mkv' ? 'PTS-if(eq(mod(N,10),5),512,0)' : 'DTS-if(eq(mod(N,10),5),511,0)'), setts(`jump-ahead.${suffix}`, 'PTS+if(gte(N,120),12800*9,0)'),
    setts(`pause.${suffix}`, 'PTS+if(gte(N,110),12800*30,0)'), setts(`slow-drift.${suffix}`, 'PTS*1.003'),
  ]);
  return [...late, ...rates, ...uneven, ...odd, copyOf('negative.mkv', 'clock', '-avoid_negative_ts', 'disabled', '-output_ts_offset', '-0.5'), copyOf('negative.mov', 'clock', '-avoid_negative_ts', 'disabled', '-output_ts_offset', '-1'),
    ...['mp4', 'mov', 'mkv', 'ts'].flatMap((suffix) => ['1.3', '3'].map((from): FileRecipe => ({
      name: `cut-from-${from}.${suffix}`, group: 'edits', make: async (shop) => shop.ffmpeg('-ss', from, '-i', await shop.base(), '-c', 'copy', '-t', '5', shop.path(`cut-from-${from}.${suffix}`)),
    })))];
}

const FILLED = { 'late': 'atrim=start=1.5', 'very-late': 'atrim=start=6.2', 'short': 'atrim=end=4.3', 'gap': "aselect='not(between(t,3,4.5))'", 'tiny': 'atrim=end=0.2' } as const;

function tracks(): FileRecipe[] {
  const spans = Object.entries(FILLED).flatMap(([name, filter]) => ['mkv', 'mp4', 'ts', 'flv'].map((suffix) => encoded(`sound-${name}.${suffix}`, 'spans', {}, [], { filter })));
  const pictures = ['mkv', 'mp4', 'ts'].flatMap((suffix) => [
    encoded(`pictures-late.${suffix}`, 'spans', { filter: 'trim=start=1.6' }), encoded(`pictures-short.${suffix}`, 'spans', { filter: 'trim=end=3' }), encoded(`pictures-hole.${suffix}`, 'spans', { filter: "select='not(between(t,3,6))'" }, ['-fps_mode', 'passthrough']),
    { name: `no-sound.${suffix}`, group: 'spans', make: (shop: Workshop) => shop.ffmpeg(...picture(), ...X264, shop.path(`no-sound.${suffix}`)) },
  ]);
  const many = ['mkv', 'mp4', 'ts', 'mov'].map((suffix): FileRecipe => ({
    name: `many-tracks.${suffix}`, group: 'tracks',
    make: (shop) => shop.ffmpeg(...picture(), ...sound(), ...sound({ rate: 44_100 }), ...sound({ filter: 'atrim=start=1' }), '-map', '0', '-map', '1', '-map', '2', '-map', '3', ...X264, '-c:a', 'aac', '-c:a:1', 'libmp3lame',
      '-metadata:s:a:0', 'language=eng', '-metadata:s:a:1', 'language=deu', '-metadata:s:a:2', 'language=eng', '-metadata:s:a:2', 'title=Director, "the" one', '-disposition:a:0', '0', '-disposition:a:1', 'default', shop.path(`many-tracks.${suffix}`)),
  }));
  const two: FileRecipe[] = ['mkv', 'mp4', 'ts'].map((suffix) => ({
    name: `two-pictures.${suffix}`, group: 'tracks', make: (shop) => shop.ffmpeg(...picture(), ...picture({ size: '96x54', rate: '10' }), ...sound(), '-map', '0', '-map', '1', '-map', '2', ...X264, ...AAC, shop.path(`two-pictures.${suffix}`)),
  }));
  const cover = ['mp3', 'm4a', 'flac', 'mkv', 'mp4'].map((suffix): FileRecipe => ({
    name: `cover.${suffix}`, group: 'tracks',
    make: async (shop) => {
      const art = await shop.shared('art.jpg', (path) => shop.ffmpeg(...picture({ seconds: 1, size: '300x300' }), '-frames:v', '1', path));
      const [codec, pictures] = [{ mp3: 'libmp3lame', m4a: 'aac', flac: 'flac' }[suffix] ?? 'aac', suffix === 'mkv' || suffix === 'mp4'];
      const cover = suffix === 'mkv' ? ['-attach', art, '-metadata:s:t', 'mimetype=image/jpeg', '-metadata:s:t', 'filename=cover.jpg'] : [];
      const input = suffix === 'mkv' ? [] : ['-i', art];
      await shop.ffmpeg(...sound(), ...(pictures ? picture() : []), ...input, '-map', '0:a', ...(pictures ? ['-map', '1:v', '-c:v:0', 'libx264', '-preset', 'ultrafast', '-g', '63', '-pix_fmt', 'yuv420p'] : []),
        ...(suffix === 'mkv' ? [] : ['-map', pictures ? '2:v' : '1:v', `-c:v:${pictures ? 1 : 0}`, 'copy', `-disposition:v:${pictures ? 1 : 0}`, 'attached_pic']), '-c:a', codec, ...cover, shop.path(`cover.${suffix}`));
    },
  }));
  return [...spans, ...pictures, ...many, ...two, ...cover];
}

const SHAPES: Readonly<Record<string, Picture>> = {
  'tiny-16x16': { size: '16x16' }, '2x2': { size: '2x2' }, 'odd-123x67': { size: '124x68', filter: 'crop=122:66' }, 'tall': { size: '64x400' }, 'wide': { size: '1000x32' }, 'wide-8k': { size: '7680x128', seconds: 3 },
  'sar-16-11': { filter: 'setsar=16/11' }, 'sar-1-2': { filter: 'setsar=1/2' }, 'sar-huge': { filter: 'setsar=64/1' }, 'square': { size: '144x144' }, 'macroblock': { size: '190x106' },
};

const flipped = (name: string, matrix: readonly number[]): FileRecipe => ({
  name, group: 'shape',
  make: async (shop) => shop.changed(await shop.base(), name, (bytes) => {
    const at = bytes.indexOf('tkhd') + 4 + 40;
    const copy = Buffer.from(bytes);
    matrix.forEach((value, i) => copy.writeInt32BE(value, at + i * 4));
    return copy;
  }),
});

function shapes(): FileRecipe[] {
  const sized = Object.entries(SHAPES).flatMap(([name, shown]) => ['mkv', 'mp4', 'ts'].map((suffix) => encoded(`shape-${name}.${suffix}`, 'shape', shown)));
  const turned = ['90', '180', '270'].flatMap((degrees) => ['mp4', 'mov'].map((suffix) => copyOf(`turned-${degrees}.${suffix}`, 'shape', '-metadata:s:v', `rotate=${degrees}`)));
  const one = 0x1_0000;
  const odd = ['mkv', 'avi'].map((suffix): FileRecipe => ({ name: `odd-mpeg4.${suffix}`, group: 'shape', make: (shop) => shop.ffmpeg(...picture({ size: '124x68', filter: 'crop=123:67:exact=1' }), ...sound(), '-c:v', 'mpeg4', '-pix_fmt', 'yuv420p', '-c:a', 'mp3', shop.path(`odd-mpeg4.${suffix}`)) }));
  const odd444: FileRecipe = { name: 'odd-444.mkv', group: 'shape', make: (shop) => shop.ffmpeg(...picture({ size: '124x68', filter: 'format=yuv444p,crop=123:67:exact=1' }), ...sound(), ...X264, '-pix_fmt', 'yuv444p', ...AAC, shop.path('odd-444.mkv')) };
  return [...sized, ...turned, ...odd, odd444, flipped('mirrored.mp4', [-one, 0, 0, 0, one, 0, 192 * one]), flipped('upside-down.mp4', [one, 0, 0, 0, -one, 0, 0, 108 * one]), flipped('skewed.mp4', [one, 20_000, 0, 0, one, 0]), flipped('no-matrix.mp4', [0, 0, 0, 0, 0, 0, 0, 0, 0])];
}

interface Part extends Picture {
  more?: readonly string[];
  heard?: Parameters<typeof sound>[0];
  rateTo?: string;
  channels?: string;
}

const part = (shop: Workshop, key: string, { more = [], heard = {}, channels = '1', ...shown }: Part): Promise<string> =>
  shop.shared(`part-${key}.ts`, (path) => shop.ffmpeg(...picture({ seconds: 7, ...shown }), ...sound({ seconds: 7, ...heard }), ...X264, ...AAC, '-ac', channels, '-output_ts_offset', '1', ...more, path));

const then = (seconds: string, more: Part = {}): Part => ({ ...more, more: [...(more.more ?? []), '-output_ts_offset', String(1 + Number(seconds))] });

const join = (name: string, parts: readonly Part[]): FileRecipe => ({
  name, group: 'joined',
  make: async (shop) => {
    const pieces: Buffer[] = [];
    for (const [i, one] of parts.entries()) pieces.push(await readFile(await part(shop, `${name}-${i}`, one)));
    await writeFile(shop.path(name), Buffer.concat(pieces));
  },
});

/** Transport streams one behind the other, as recorders and careless cutting leave them. */
function joined(): FileRecipe[] {
  return [
    join('join-steady.ts', [{}, then('7')]), join('join-larger.ts', [{}, then('7', { size: '256x144' })]), join('join-smaller.ts', [{ size: '256x144' }, then('7')]), join('join-back-and-forth.ts', [{}, then('7', { size: '256x144' }), then('14')]),
    join('join-profile.ts', [{ more: ['-profile:v', 'main'] }, then('7', { more: ['-profile:v', 'high', '-x264-params', '8x8dct=1'] })]), join('join-refs.ts', [{}, then('7', { more: ['-refs', '4'] })]), join('join-level.ts', [{}, then('7', { more: ['-level:v', '5.1'] })]),
    join('join-sample-rate.ts', [{}, then('7', { heard: { rate: 44_100 } })]), join('join-channels.ts', [{}, then('7', { channels: '2' })]), join('join-51.ts', [{ channels: '2' }, then('7', { channels: '6' })]),
    join('join-rate.ts', [{}, then('7', { rate: '50' })]), join('join-codec.ts', [{}, then('7', { more: ['-c:v', 'mpeg2video'] })]), join('join-sound-codec.ts', [{}, then('7', { more: ['-c:a', 'ac3'] })]),
    join('join-clock-back.ts', [{}, {}]), join('join-clock-ahead.ts', [{}, then('4000')]), join('join-clock-three.ts', [then('50'), then('10'), then('90')]), join('join-overlap.ts', [{}, then('6')]), join('join-no-sound.ts', [{}, then('7', { more: ['-an'] })]),
    join('join-hole.ts', [{}, then('12')]), join('join-10bit.ts', [{}, then('7', { more: ['-pix_fmt', 'yuv420p10le'] })]),
  ];
}

const TITLES = ['Ein "Titel" & <b>fett</b>', '字幕 🎬 عنوان', 'a\tb', 'x'.repeat(2_000), '../../etc/passwd', '%s%n%d', '#EXT-X-ENDLIST'];

function metadata(): FileRecipe[] {
  const titled = TITLES.flatMap((title, i) => ['mkv', 'mp4'].map((suffix) => copyOf(`title-${i}.${suffix}`, 'metadata', '-metadata', `title=${title}`, '-metadata:s:a', `title=${title}`, '-metadata:s:a', 'language=x-klingon', '-metadata:s:v', `handler_name=${title}`)));
  const chapters: FileRecipe = {
    name: 'chapters.mkv', group: 'metadata',
    make: async (shop) => {
      const text = [';FFMETADATA1', ...Array.from({ length: 1_500 }, (_, i) => `[CHAPTER]\nTIMEBASE=1/1000\nSTART=${i * 5}\nEND=${i * 5 + 5}\ntitle=Chapter ${i}`)].join('\n');
      await writeFile(shop.path('shared/chapters.ini'), text);
      await shop.ffmpeg('-i', await shop.base(), '-i', shop.path('shared/chapters.ini'), '-map_metadata', '1', '-c', 'copy', shop.path('chapters.mkv'));
    },
  };
  const hugeIndex: FileRecipe = { name: 'huge-index.mp4', group: 'metadata', make: (shop) => shop.ffmpeg(...picture({ rate: '1000', size: '16x16', seconds: 20 }), ...sound({ seconds: 20 }), ...X264, '-g', '2000', ...AAC, '-frag_duration', '0', shop.path('huge-index.mp4')) };
  const subtitles = ['mkv', 'mp4'].map((suffix): FileRecipe => ({
    name: `subtitles.${suffix}`, group: 'metadata',
    make: async (shop) => {
      await writeFile(shop.path('shared/s.srt'), '1\n00:00:01,000 --> 00:00:02,000\nOne\n\n2\n00:00:04,000 --> 00:00:20,000\n<i>Two</i> --> & more\n');
      await shop.ffmpeg('-i', await shop.base(), '-i', shop.path('shared/s.srt'), '-i', shop.path('shared/s.srt'), '-map', '0', '-map', '1', '-map', '2', '-c', 'copy', '-c:s', suffix === 'mkv' ? 'srt' : 'mov_text', '-metadata:s:s:0', 'language=eng', shop.path(`subtitles.${suffix}`));
    },
  }));
  return [...titled, chapters, hugeIndex, ...subtitles];
}

export const timeRecipes = (): FileRecipe[] => [...clocks(), ...tracks(), ...shapes(), ...joined(), ...metadata()];
