import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexFacts, ticksToSeconds, type PacketTrack } from '@reelay/contracts';
import { decidePlayback } from './decide.ts';
import { openPackage, type MediaPackage } from './package.ts';
import { assemble, ClipFolder, decode, packetsOf, parseBoxes, parseSegment, probe, type ProbedClip } from './testing.ts';

const folder = new ClipFolder();
afterAll(() => folder.remove());

const picture = (rate: string, seconds: number, size = '320x180') => ['-f', 'lavfi', '-i', `testsrc2=s=${size}:r=${rate}:d=${seconds}`];
const tone = (seconds: number, rate = 48_000, hz = 440) => ['-f', 'lavfi', '-i', `sine=f=${hz}:r=${rate}:d=${seconds}`];
const x264 = (gop: number, ...more: string[]) => ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-x264-params', 'b-adapt=0', '-g', String(gop), '-pix_fmt', 'yuv420p', ...more];
const aac = ['-c:a', 'aac', '-b:a', '64k'];

interface Clip {
  readonly name: string;
  readonly args: () => string[];
  readonly renditions: string[];
  readonly mode?: string;
  /** Sound frames due before the first picture, which are left out. */
  readonly dropsEarlySound?: boolean;
}

let base = '';
const copyOfBase = (...more: string[]) => () => ['-i', base, '-c', 'copy', ...more];

const CLIPS: readonly Clip[] = [
  { name: 'b.mov', args: copyOfBase(), renditions: ['v0', 'a0'] },
  { name: 'b.mkv', args: copyOfBase(), renditions: ['v0', 'a0'] },
  { name: 'b.flv', args: copyOfBase(), renditions: ['v0', 'a0'] },
  { name: 'b.ts', args: copyOfBase(), renditions: ['v0', 'a0'], dropsEarlySound: true },
  { name: 'b.m2ts', args: copyOfBase('-mpegts_m2ts_mode', '1'), renditions: ['v0', 'a0'], dropsEarlySound: true },
  { name: 'late.ts', args: copyOfBase('-output_ts_offset', '95000'), renditions: ['v0', 'a0'], dropsEarlySound: true },
  { name: 'wrap.ts', args: copyOfBase('-output_ts_offset', '95435'), renditions: ['v0', 'a0'], dropsEarlySound: true },
  { name: 'negative.mkv', args: () => ['-i', base, '-c', 'copy', '-avoid_negative_ts', 'disabled'], renditions: ['v0', 'a0'] },
  { name: 'ntsc.mkv', args: () => [...picture('30000/1001', 14), ...tone(14, 44_100), ...x264(60), ...aac], renditions: ['v0', 'a0'] },
  { name: 'film.mp4', args: () => [...picture('24000/1001', 14), ...tone(14), ...x264(48), ...aac], renditions: ['v0', 'a0'], mode: 'direct' },
  { name: 'silent.mkv', args: () => [...picture('25', 8), ...x264(50)], renditions: ['v0'] },
  { name: 'sound only.mkv', args: () => [...tone(14), ...aac], renditions: ['a0'] },
  { name: 'two.mkv', args: () => [
    ...picture('25', 8), ...tone(8), ...tone(8, 48_000, 880), '-map', '0', '-map', '1', '-map', '2', ...x264(50), ...aac,
    '-metadata:s:a:0', 'language=eng', '-metadata:s:a:1', 'language=deu', '-metadata:s:a:1', 'title=Deutsch "neu"'], renditions: ['v0', 'a0', 'a1'] },
  { name: 'late sound.mkv', args: () => [...picture('25', 8), '-itsoffset', '0.5', ...tone(7), ...x264(50), ...aac], renditions: ['v0', 'a0'] },
  { name: 'long sound.mkv', args: () => [...picture('25', 8), ...tone(21), ...x264(50), ...aac], renditions: ['v0', 'a0'] },
  { name: 'vp9.webm', args: () => [...picture('25', 8, '160x90'), ...tone(8), '-c:v', 'libvpx-vp9', '-cpu-used', '8', '-deadline', 'realtime', '-g', '50', '-c:a', 'libopus'], renditions: ['v0', 'a0'], mode: 'direct' },
  { name: 'vp9.mp4', args: () => [...picture('25', 4, '160x90'), ...tone(4), '-c:v', 'libvpx-vp9', '-cpu-used', '8', '-deadline', 'realtime', '-g', '50', '-c:a', 'flac', '-strict', '-2'], renditions: ['v0', 'a0'], mode: 'direct' },
  { name: 'flac.mkv', args: () => [...picture('25', 4), ...tone(4), ...x264(50), '-c:a', 'flac'], renditions: ['v0', 'a0'] },
  { name: 'mp3.avi', args: () => [...picture('25', 8), ...tone(8), ...x264(50, '-bf', '0'), '-c:a', 'libmp3lame'], renditions: ['v0', 'a0'] },
  { name: 'mp3.ts', args: () => [...picture('25', 8), ...tone(8), ...x264(50), '-c:a', 'libmp3lame'], renditions: ['v0', 'a0'], dropsEarlySound: true },
];

beforeAll(async () => {
  base = await folder.make('base.mp4', ...picture('25', 14), ...tone(14), ...x264(50), ...aac);
}, 60_000);

const trackOf = (clip: ProbedClip, renditionId: string): PacketTrack => {
  const kind = renditionId.startsWith('v') ? 'video' : 'audio';
  const track = clip.index.tracks.filter((candidate) => candidate.kind === kind)[Number(renditionId.slice(1))];
  if (!track) throw new Error(`no track for ${renditionId}`);
  return track;
};

const extinf = (playlist: string) => [...playlist.matchAll(/#EXTINF:([\d.]+)/g)].map((match) => Number(match[1]));

/** Box-level promises of one rendition; returns the tfdt of the first segment in seconds. */
async function checkBoxes(media: MediaPackage, clip: ProbedClip, id: string): Promise<number> {
  const init = parseBoxes(await media.init(id)).map(({ type }) => type);
  expect(init).toEqual(expect.arrayContaining(['ftyp', 'moov', 'mvex', 'stsd']));
  expect(init).not.toContain('elst');
  const { timeBase } = trackOf(clip, id);
  const durations = extinf(media.mediaPlaylist(id));
  const count = media.renditions.find((rendition) => rendition.id === id)?.segments ?? 0;
  expect(durations).toHaveLength(count);
  let expectedTfdt: number | null = null;
  let playlistSeconds = 0;
  let firstSeconds = 0;
  for (let n = 0; n < count; n += 1) {
    const segment = parseSegment(await media.segment(id, n));
    expect(segment.dataFits).toBe(true);
    expect(segment.tfdt).toBeGreaterThanOrEqual(0);
    if (expectedTfdt !== null) expect(segment.tfdt).toBe(expectedTfdt);
    else firstSeconds = segment.tfdt / timeBase.den;
    expectedTfdt = segment.tfdt + segment.durations.reduce((sum, ticks) => sum + ticks, 0);
    // The first sound may start later than the playlist; all others start where the playlist says.
    if (n > 0 || id === 'v0') expect(segment.tfdt / timeBase.den).toBeCloseTo(playlistSeconds, 4);
    playlistSeconds += durations[n] ?? 0;
    if (id !== 'v0') continue;
    expect(segment.trunVersion).toBe(1);
    expect((segment.flags[0] ?? 0) & 0x01010000).toBe(0);
    let decodeTicks = segment.tfdt;
    const shown = segment.offsets.map((offset, i) => {
      const at = decodeTicks + offset;
      decodeTicks += segment.durations[i] ?? 0;
      return at;
    });
    expect(Math.min(...shown)).toBe(segment.tfdt);
  }
  return firstSeconds;
}

/** ffmpeg's opinion of the whole and of a window from the middle. */
async function checkMedia(media: MediaPackage, clip: ProbedClip, id: string, dropsEarlySound: boolean): Promise<void> {
  const track = trackOf(clip, id);
  const count = media.renditions.find((rendition) => rendition.id === id)?.segments ?? 0;
  const whole = folder.write(`${id}.mp4`, await assemble(media, id, 0, count));
  // ffmpeg's demuxer adds the largest negative composition offset to every time, to files of its own making as well.
  const probed = (await packetsOf(whole)).map(({ pts }) => pts);
  const found = probed.map((pts) => pts - (id === 'v0' ? Math.min(...probed) : 0));
  const sourceOrigin = Math.min(...clip.index.tracks.filter(({ kind }) => kind === 'video').flatMap((video) => [...video.pts].map((pts) => ticksToSeconds(video, pts))));
  const origin = Number.isFinite(sourceOrigin) ? sourceOrigin : ticksToSeconds(track, track.pts[0] ?? 0);
  const expected = [...track.pts].map((pts) => (pts * track.timeBase.num) - origin * track.timeBase.den).filter((ticks) => ticks > -0.01);
  if (!dropsEarlySound && id === 'v0') expect(expected).toHaveLength(track.count);
  expect(found).toHaveLength(expected.length);
  for (const [i, ticks] of expected.entries()) expect(Math.abs((found[i] ?? NaN) - ticks)).toBeLessThanOrEqual(1);
  const decoded = await decode(whole);
  expect(decoded.complaints).toBe('');
  if (id === 'v0') expect(decoded.frames).toBe(track.count);
  if (count < 2) return;
  const window = await decode(folder.write(`${id}-window.mp4`, await assemble(media, id, 1, count)));
  expect(window.complaints).toBe('');
  expect(window.frames).toBeGreaterThan(0);
}

describe.each(CLIPS)('$name', ({ name, args, renditions, mode = 'remux', dropsEarlySound = false }) => {
  it('becomes segments with the times and pictures of the source', async () => {
    const clip = await probe(await folder.make(name, ...args()));
    const facts = indexFacts(clip.index);
    expect(decidePlayback({ mediaInfo: clip.info, indexFacts: facts, clientCodecs: null, valid: true, invalidReason: null }).mode).toBe(mode);
    const media = openPackage({ absPath: clip.path, mediaInfo: clip.info, index: clip.index });
    expect(media.renditions.map(({ id }) => id)).toEqual(renditions);
    const starts = new Map<string, number>();
    for (const id of renditions) {
      starts.set(id, await checkBoxes(media, clip, id));
      await checkMedia(media, clip, id, dropsEarlySound);
    }
    expect(starts.get('v0') ?? 0).toBe(0);
    const target = Number(/TARGETDURATION:(\d+)/.exec(media.mediaPlaylist(renditions[0] ?? ''))?.[1]);
    for (const id of renditions) for (const seconds of extinf(media.mediaPlaylist(id))) expect(Math.round(seconds)).toBeLessThanOrEqual(target);
  }, 60_000);
});
