/** What the encoder makes of sources that need more than another codec: looked at and listened to, sample by sample. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Pieces, Station } from './station.ts';
import { readStream } from './stream.ts';

const run = promisify(execFile);
const FFMPEG = process.env['FFMPEG_PATH'] ?? 'ffmpeg';
const FFPROBE = process.env['FFPROBE_PATH'] ?? 'ffprobe';
const [WIDTH, HEIGHT] = [320, 180];
const RATE = 48_000;
const AC3 = ['-c:a', 'ac3', '-b:a', '448k'];
const MPEG2 = ['-c:v', 'mpeg2video', '-q:v', '2', '-g', '15'];

let station: Station;
beforeAll(async () => {
  station = await Station.start();
}, 120_000);
afterAll(() => station.stop());

const make = async (name: string, ...args: readonly string[]): Promise<string> => {
  await run(FFMPEG, ['-nostdin', '-v', 'error', '-y', ...args, `file:${station.at(name)}`]);
  return station.at(name);
};
const lavfi = (source: string): string[] => ['-f', 'lavfi', '-i', source];

/** Uploads a source; gives the path of what a player gets of one rendition, encoded, from its first segment to its last. */
const encoded = async (path: string, rendition: RegExp): Promise<string> => {
  const { video, encodedUrl } = await station.film(path);
  const { renditions } = await readStream(station.get, encodedUrl ?? '', { mode: 'encoded', wanted: (uri) => rendition.test(uri) });
  const [found] = renditions;
  const copy = `${path}.out.mp4`;
  await writeFile(copy, Buffer.concat([found?.init?.bytes ?? Buffer.alloc(0), ...(found?.segments ?? []).map((segment) => segment?.bytes ?? Buffer.alloc(0))]));
  await station.endStreams(video.id);
  return copy;
};

const raw = async (path: string, ...args: readonly string[]): Promise<Buffer> =>
  (await run(FFMPEG, ['-nostdin', '-v', 'error', '-i', `file:${path}`, ...args, 'pipe:1'], { encoding: 'buffer', maxBuffer: 1 << 28 })).stdout;

const probe = async (path: string, entries: string): Promise<Record<string, string | number>> =>
  (JSON.parse((await run(FFPROBE, ['-v', 'error', '-show_entries', `stream=${entries}`, '-of', 'json', `file:${path}`])).stdout) as { streams: Record<string, string | number>[] }).streams[0] ?? {};

/** Colours of one picture at places given as shares of its width and height. */
const coloursAt = async (path: string, places: readonly (readonly [x: number, y: number])[]): Promise<number[][]> => {
  const { width, height } = await probe(path, 'width,height');
  const [wide, high] = [Number(width), Number(height)];
  const picture = await raw(path, '-vf', 'select=eq(n\\,12),scale=in_color_matrix=bt709:in_range=tv:flags=accurate_rnd,format=rgb24', '-frames:v', '1', '-f', 'rawvideo');
  return places.map(([x, y]) => [...picture.subarray((Math.floor(y * high) * wide + Math.floor(x * wide)) * 3).subarray(0, 3)]);
};

const CORNERS = { 'top left': [0.1, 0.1], 'top right': [0.9, 0.1], 'bottom right': [0.9, 0.9], 'bottom left': [0.1, 0.9] } as const;

const isRed = ([r = 0, g = 0]: readonly number[]): boolean => r - g > 100;

// A display matrix turns to the left, as ffprobe tells it.
it.each([
  ['a quarter to the left', 90, 'bottom left', HEIGHT, WIDTH], ['upside down', 180, 'bottom right', WIDTH, HEIGHT], ['a quarter to the right', 270, 'top right', HEIGHT, WIDTH],
] as const)('a recording that is to be turned %s is turned so, and has its size', async (_how, degrees, corner, width, height) => {
  const flat = await make(`flat-${degrees}.mp4`, ...lavfi(`color=gray:s=${WIDTH}x${HEIGHT}:r=25:d=2,drawbox=w=80:h=60:c=red:t=fill`), '-c:v', 'libx264', '-pix_fmt', 'yuv420p');
  const out = await encoded(await make(`turned-${degrees}.mp4`, '-i', flat, '-c', 'copy', '-metadata:s:v', `rotate=${degrees}`), /^h/);
  expect(await probe(out, 'width,height')).toEqual({ width, height });
  const colours = await coloursAt(out, Object.values(CORNERS));
  expect(Object.keys(CORNERS).filter((_, n) => isRed(colours[n] ?? []))).toEqual([corner]);
});

/** How much each row differs from the mean of its neighbours: fields of two moments in one picture stand out. */
const combs = (pictures: Buffer, from: number): number => {
  let sum = 0;
  const picture = pictures.subarray(from * WIDTH * HEIGHT, (from + 1) * WIDTH * HEIGHT);
  for (let i = WIDTH; i < picture.length - WIDTH; i += 1) sum += Math.abs(2 * (picture[i] ?? 0) - (picture[i - WIDTH] ?? 0) - (picture[i + WIDTH] ?? 0));
  return sum / picture.length;
};

it('fields of two moments become whole pictures, as many as there were', async () => {
  const bars = `nullsrc=s=${WIDTH}x${HEIGHT}:r=50:d=4,format=gray,geq=lum='40+170*lt(mod(X+3*N,64),32)',tinterlace=interleave_top,format=yuv420p`;
  const source = await make('fields.ts', ...lavfi(bars), ...MPEG2, '-flags', '+ildct+ilme', '-top', '1');
  const out = await encoded(source, /^h/);
  const gray = ['-vf', 'format=gray', '-f', 'rawvideo'];
  const [before, after] = await Promise.all([raw(source, ...gray), raw(out, ...gray)]);
  expect(after.length).toBe(before.length);
  expect(combs(before, 50)).toBeGreaterThan(8);
  expect(combs(after, 50)).toBeLessThan(combs(before, 50) / 4);
});

/** SMPTE ST 2084: the code of a luminance in nits, as a share. */
const pq = (nits: number): number => {
  const y = (nits / 10_000) ** 0.1593017578125;
  return ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375;
};
/** BT.709 primaries in BT.2020 ones (ITU-R BT.2087). */
const IN_2020 = [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.088, 0.8956]] as const;
const PATCHES = { white: [1, 1, 1], red: [1, 0, 0], green: [0, 1, 0], blue: [0, 0, 1], black: [0, 0, 0] } as const;
const BRIGHT_NITS = 1_000;

it('PQ of 1,000 nits in BT.2020 comes out in the colours it has, 8 bits deep and labelled as BT.709', async () => {
  const codes = (channel: 0 | 1 | 2): string => Object.values(PATCHES)
    .map((colour) => Math.round(1_023 * pq(BRIGHT_NITS * IN_2020[channel].reduce((sum, share, n) => sum + share * (colour[n] ?? 0), 0))))
    .map((code, n) => `${code}*eq(floor(X/64),${n})`).join('+');
  const patches = `nullsrc=s=${WIDTH}x${HEIGHT}:r=25:d=2,format=gbrp10le,geq=r='${codes(0)}':g='${codes(1)}':b='${codes(2)}',scale=out_color_matrix=bt2020:out_range=tv,format=yuv420p10le`;
  const tags = ['-color_primaries', 'bt2020', '-color_trc', 'smpte2084', '-colorspace', 'bt2020nc', '-color_range', 'tv'];
  const out = await encoded(await make('pq.mkv', ...lavfi(patches), '-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=error:crf=8:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc', ...tags), /^h/);
  expect(await probe(out, 'pix_fmt,color_space,color_transfer,color_primaries,color_range')).toEqual({ pix_fmt: 'yuv420p', color_space: 'bt709', color_transfer: 'bt709', color_primaries: 'bt709', color_range: 'tv' });
  const colours = await coloursAt(out, Object.keys(PATCHES).map((_, n) => [(n + 0.5) / 5, 0.5]));
  // Not mapped, white is 192, red 179 120 84 and green 161 190 126. Measured: red 255 24 0, green 0 215 0.
  const wrong = Object.entries(PATCHES).filter(([, colour], n) => colour.some((share, channel) => {
    const value = colours[n]?.[channel] ?? Number.NaN;
    return share === 1 ? !(value > 200) : !(value < 40);
  }));
  expect(wrong, colours.map((colour) => colour.join(' ')).join(', ')).toEqual([]);
});

/** Strength of a tone in a signal, as the amplitude of its sine. */
const strengthOf = (signal: Float32Array, hertz: number): number => {
  let [re, im] = [0, 0];
  for (const [n, value] of signal.entries()) {
    re += value * Math.cos((2 * Math.PI * hertz * n) / RATE);
    im += value * Math.sin((2 * Math.PI * hertz * n) / RATE);
  }
  return (2 * Math.hypot(re, im)) / signal.length;
};

/** The second in the middle, each channel on its own. */
const channelsOf = async (path: string, seconds = 1, from = 1): Promise<Float32Array[]> => {
  const channels = Number((await probe(path, 'channels')).channels);
  const bytes = await raw(path, '-map', '0:a', '-ss', String(from), '-t', String(seconds), '-ar', String(RATE), '-f', 'f32le');
  const all = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  return Array.from({ length: channels }, (_, channel) => all.filter((_, n) => n % channels === channel));
};

it('six channels come out as two, each heard on its side and none too loud', async () => {
  // Left, right, centre, deep, left behind, right behind.
  const tones = [400, 600, 800, 100, 1_000, 1_200];
  const six = `aevalsrc=exprs='${tones.map((hertz) => `0.5*sin(2*PI*${hertz}*t)`).join('|')}':c=5.1:s=${RATE}:d=3`;
  const [left, right, ...more] = await channelsOf(await encoded(await make('six.mkv', ...lavfi(`testsrc2=s=${WIDTH}x${HEIGHT}:r=25:d=3`), ...lavfi(six), ...MPEG2, ...AC3), /^a/));
  expect(more).toEqual([]);
  const heard = (side: Float32Array = new Float32Array()): number[] => tones.filter((hertz) => strengthOf(side, hertz) > 0.05);
  // What is for a subwoofer alone is left out, as ITU-R BS.775 has it.
  expect([heard(left), heard(right)]).toEqual([[400, 800, 1_000], [600, 800, 1_200]]);
  expect(Math.max(...[...left ?? [], ...right ?? []].map(Math.abs))).toBeLessThan(1);
});

it('one channel comes out on both sides', async () => {
  const [left, right] = await channelsOf(await encoded(await make('one.mkv', ...lavfi(`testsrc2=s=${WIDTH}x${HEIGHT}:r=25:d=3`), ...lavfi(`sine=440:r=${RATE}:d=3`), ...MPEG2, '-c:a', 'ac3', '-ac', '1'), /^a/));
  expect(left?.length).toBe(right?.length);
  expect(strengthOf(left ?? new Float32Array(), 440)).toBeGreaterThan(0.05);
  expect(strengthOf(right ?? new Float32Array(), 440)).toBeCloseTo(strengthOf(left ?? new Float32Array(), 440), 2);
});

it('a tone sounds through the seam of two encoders', async () => {
  const hertz = 441;
  const film = await station.film(await make('tone.mkv', ...lavfi(`testsrc2=s=${WIDTH}x${HEIGHT}:r=25:d=90`), ...lavfi(`aevalsrc=exprs='0.5*sin(2*PI*${hertz}*t)':s=${RATE}:d=90`), ...MPEG2, '-c:a', 'flac'));
  const pieces = new Pieces(station.get, film.encodedUrl ?? '');
  // Begun there, and then before it: what the second encoder makes ends where the first one began.
  const later = await pieces.window('a0', 6, 8);
  const begun = (await station.streams()).data.flatMap(({ heads }) => heads).filter(({ renditionId }) => renditionId === 'a0').map(({ from }) => from);
  expect(begun).toEqual([6]);
  const before = await pieces.window('a0', 4, 6);
  const path = `${station.at('tone')}.out.mp4`;
  await writeFile(path, Buffer.concat([before.init, ...before.segments, ...later.segments]));
  const [left = new Float32Array()] = await channelsOf(path, 60, 0);
  // Each sample of a sine follows from the two before it; a click does not.
  const turn = 2 * Math.cos((2 * Math.PI * hertz) / RATE);
  const off = left.map((value, n) => (n < 2_048 || n > left.length - 2_048 ? 0 : Math.abs(value - turn * (left[n - 1] ?? 0) + (left[n - 2] ?? 0))));
  const most = off.reduce((sofar, one) => Math.max(sofar, one), 0);
  // Measured: 0.0001 of an amplitude of 0.5.
  expect(most).toBeLessThan(0.01);
});
