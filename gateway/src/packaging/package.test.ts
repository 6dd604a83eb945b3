import { readFileSync, truncateSync } from 'node:fs';
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
  { name: 'far.mkv', args: copyOfBase('-output_ts_offset', '3600'), renditions: ['v0', 'a0'] },
  { name: 'far.mov', args: copyOfBase('-output_ts_offset', '3600'), renditions: ['v0', 'a0'] },
  { name: 'far.mp4', args: copyOfBase('-output_ts_offset', '3600'), renditions: ['v0', 'a0'] },
  { name: 'uneven.mov', args: () => [...picture('30', 12), ...tone(12), ...x264(60), '-vf', "select='gt(mod(n,7),1)*lt(mod(n,50),37)'", '-vsync', 'vfr', ...aac], renditions: ['v0', 'a0'] },
  { name: 'opus.mkv', args: () => [...picture('25', 8), ...tone(8), ...x264(50), '-c:a', 'libopus'], renditions: ['v0', 'a0'] },
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
  { name: 'hevc.mkv', args: () => [...picture('25', 8), ...tone(8), '-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'keyint=50:min-keyint=50:open-gop=0:scenecut=0:log-level=none', ...aac], renditions: ['v0', 'a0'], mode: 'transcode' },
  { name: 'hevc.ts', args: () => [...picture('25', 8), ...tone(8), '-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'keyint=50:min-keyint=50:open-gop=0:scenecut=0:log-level=none', ...aac], renditions: ['v0', 'a0'], mode: 'transcode', dropsEarlySound: true },
  { name: 'hevc10.ts', args: () => [...picture('25', 4), '-c:v', 'libx265', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p10le', '-x265-params', 'keyint=50:min-keyint=50:open-gop=0:scenecut=0:log-level=none:bframes=4'], renditions: ['v0'], mode: 'transcode' },
  { name: 'av1.mkv', args: () => [...picture('25', 4, '160x90'), ...tone(4), '-c:v', 'libaom-av1', '-cpu-used', '8', '-usage', 'realtime', '-g', '50', '-c:a', 'libopus'], renditions: ['v0', 'a0'] },
  { name: 'wide.mkv', args: () => [...picture('25', 4, '180x320'), ...x264(50), '-vf', 'setsar=4/3'], renditions: ['v0'] },
  { name: 'flac.mkv', args: () => [...picture('25', 4), ...tone(4), ...x264(50), '-c:a', 'flac'], renditions: ['v0', 'a0'] },
  { name: 'mp3.avi', args: () => [...picture('25', 8), ...tone(8), ...x264(50, '-bf', '0'), '-c:a', 'libmp3lame'], renditions: ['v0', 'a0'] },
  { name: 'mp3.ts', args: () => [...picture('25', 8), ...tone(8), ...x264(50), '-c:a', 'libmp3lame'], renditions: ['v0', 'a0'], dropsEarlySound: true },
];

beforeAll(async () => {
  base = await folder.make('base.mp4', ...picture('25', 14), ...tone(14), ...x264(50), ...aac);
}, 60_000);

const open = (clip: ProbedClip, absPath = clip.path) => openPackage({ absPath, mediaInfo: clip.info, index: clip.index });
const decide = (clip: ProbedClip) =>
  decidePlayback({ mediaInfo: clip.info, indexFacts: indexFacts(clip.index), clientCodecs: null, valid: true, invalidReason: null });

const trackOf = (clip: ProbedClip, renditionId: string): PacketTrack => {
  const kind = renditionId.startsWith('v') ? 'video' : 'audio';
  const track = clip.index.tracks.filter((candidate) => candidate.kind === kind)[Number(renditionId.slice(1))];
  if (!track) throw new Error(`no track for ${renditionId}`);
  return track;
};

const hevcHeadOf = async (path: string): Promise<string> => {
  const init = Buffer.from(await open(await probe(path)).init('v0'));
  // Version, profile, compatibility, constraints, level, format; then come the layers and parameter sets.
  return init.subarray(init.indexOf('hvcC') + 4).subarray(0, 21).toString('hex');
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

/** Bare MP3 frames: the times in the ID3 tags follow the playlist, and all frames are there. */
async function checkPacked(media: MediaPackage, clip: ProbedClip, id: string): Promise<number> {
  expect(media.mediaPlaylist(id)).not.toContain('EXT-X-MAP');
  // ffmpeg refuses MP3 under a name that is none of MP3's.
  expect(media.mediaPlaylist(id)).toMatch(/^0\.mp3$/m);
  await expect(media.init(id)).rejects.toMatchObject({ code: 'unknown_rendition' });
  const frames: Uint8Array[] = [];
  let seconds = 0;
  let firstSeconds = 0;
  for (const [n, duration] of extinf(media.mediaPlaylist(id)).entries()) {
    const bytes = await media.segment(id, n);
    const tagBytes = 10 + (bytes[8] ?? 0) * 128 + (bytes[9] ?? 0);
    const startSeconds = Number(new DataView(bytes.buffer, bytes.byteOffset + tagBytes - 8).getBigUint64(0)) / 90_000;
    if (n === 0) firstSeconds = startSeconds;
    else expect(startSeconds).toBeCloseTo(seconds, 3);
    seconds += duration;
    frames.push(bytes.subarray(tagBytes));
  }
  const decoded = await decode(folder.write('packed.mp3', Uint8Array.from(Buffer.concat(frames))));
  expect(decoded.complaints.replace(/.*Estimating duration.*\n/, '')).toBe('');
  expect(Math.abs(decoded.frames - trackOf(clip, id).count)).toBeLessThanOrEqual(3);
  return firstSeconds;
}

describe.each(CLIPS)('$name', ({ name, args, renditions, mode = 'remux', dropsEarlySound = false }) => {
  it('becomes segments with the times and pictures of the source', async () => {
    const clip = await probe(await folder.make(name, ...args()));
    expect(decide(clip).mode).toBe(mode);
    const media = open(clip);
    expect(media.renditions.map(({ id }) => id)).toEqual(renditions);
    const starts = new Map<string, number>();
    for (const id of renditions) {
      if (media.renditions.find((rendition) => rendition.id === id)?.contentType === 'audio/mpeg') {
        starts.set(id, await checkPacked(media, clip, id));
        continue;
      }
      starts.set(id, await checkBoxes(media, clip, id));
      await checkMedia(media, clip, id, dropsEarlySound);
    }
    expect(starts.get('v0') ?? 0).toBe(0);
    const target = Number(/TARGETDURATION:(\d+)/.exec(media.mediaPlaylist(renditions[0] ?? ''))?.[1]);
    for (const id of renditions) {
      const durations = extinf(media.mediaPlaylist(id));
      let startSeconds = 0;
      for (const [n, seconds] of durations.entries()) {
        expect(Math.round(seconds)).toBeLessThanOrEqual(target);
        expect(media.segmentAt(id, startSeconds + seconds / 2)).toBe(n);
        startSeconds += seconds;
      }
      expect([media.segmentAt(id, 0), media.segmentAt(id, 1e6)]).toEqual([0, durations.length - 1]);
    }
  }, 60_000);
});

describe('what does not fit', () => {
  it('names unknown renditions and segments', async () => {
    const media = open(await probe(base));
    await expect(media.segment('v1', 0)).rejects.toMatchObject({ code: 'unknown_rendition' });
    await expect(media.segment('v0', 99)).rejects.toMatchObject({ code: 'segment_out_of_range' });
    expect(() => media.mediaPlaylist('a7')).toThrow(/no rendition/);
  });

  it('notices a file that was truncated, replaced or removed since it was indexed', async () => {
    const path = await folder.make('short.mkv', '-i', base, '-c', 'copy');
    const clip = await probe(path);
    truncateSync(path, Math.round((clip.info.sizeBytes ?? 0) / 2));
    await expect(open(clip).segment('v0', 1)).rejects.toMatchObject({ code: 'source_changed' });
    const noSize = { ...clip, info: { ...clip.info, sizeBytes: null } };
    await expect(open(noSize).segment('v0', 1)).rejects.toMatchObject({ code: 'source_changed' });
    await expect(open(clip, `${path}.gone`).segment('v0', 0)).rejects.toMatchObject({ code: 'source_changed' });
    const changed = openPackage({ absPath: base, mediaInfo: (await probe(base)).info, index: clip.index, sourceMtimeMs: 1 });
    await expect(changed.segment('v0', 0)).rejects.toMatchObject({ code: 'source_changed' });
  });

  it('plays what is left of a file that was cut off before it was indexed', async () => {
    for (const name of ['cut.mkv', 'cut.ts', 'cut.flv']) {
      const path = await folder.make(name, '-i', base, '-c', 'copy');
      truncateSync(path, 400_000);
      const clip = await probe(path);
      const media = open(clip);
      const count = media.renditions[0]?.segments ?? 0;
      expect(count).toBeGreaterThan(0);
      const decoded = await decode(folder.write(`${name}.mp4`, await assemble(media, 'v0', 0, count)));
      // The torn last picture may be complained about, but it is still a well-formed sample.
      expect(decoded.complaints).not.toMatch(/NAL unit size|missing|Truncated/i);
      expect(decoded.frames).toBeGreaterThanOrEqual(trackOf(clip, 'v0').count - 1);
    }
  });

  it('stops reading when the viewer is gone', async () => {
    const gone = new AbortController();
    gone.abort(new Error('viewer left'));
    await expect(open(await probe(base)).segment('v0', 0, gone.signal)).rejects.toThrow('viewer left');
  });

  it('does not begin a segment at an open group of pictures', async () => {
    const args = ['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25:d=8', '-c:v', 'libx264', '-preset', 'veryfast', '-x264-params', 'open-gop=1:keyint=25:min-keyint=25:bframes=3:scenecut=0'];
    const clip = await probe(await folder.make('open.mkv', ...args));
    const facts = indexFacts(clip.index).tracks[0];
    expect(facts?.keyframes).toBeGreaterThan(5);
    expect(facts?.idrs).toBe(1);
    expect(open(clip).renditions[0]?.segments).toBe(1);
    const slow = { ...trackOf(clip, 'v0'), timeBase: { num: 1, den: 100 } };
    expect(() => open({ ...clip, index: { tracks: [slow] } })).toThrow(/Clean places to start are/);
  });

  it('refuses a picture that grows beyond the init segment', async () => {
    const small = await folder.make('small.ts', ...picture('25', 4), ...x264(50));
    const large = await folder.make('large.ts', ...picture('25', 4, '640x360'), ...x264(50), '-output_ts_offset', '4');
    const joined = await probe(folder.write('grows.ts', Uint8Array.from(Buffer.concat([readFileSync(small), readFileSync(large)]))));
    const media = open(joined);
    await expect(media.segment('v0', (media.renditions[0]?.segments ?? 0) - 1)).rejects.toMatchObject({ code: 'parameter_sets_changed' });
  });

  it('says which codec stands in the way', async () => {
    const xvid = await probe(await folder.make('x.avi', ...picture('25', 2), '-c:v', 'mpeg4'));
    expect(decide(xvid)).toMatchObject({ mode: 'transcode', reason: expect.stringMatching(/MPEG-4 Part 2/) });
    const ac3 = await probe(await folder.make('ac3.mkv', ...picture('25', 2), ...tone(2), ...x264(50), '-c:a', 'ac3'));
    expect(decide(ac3)).toMatchObject({ mode: 'transcode', reason: expect.stringContaining('audio is AC-3') });
  });

  it('encodes what an edit list cuts short, and what no reader takes apart', async () => {
    const trimmed = await probe(await folder.make('trimmed.mov', '-ss', '1.3', '-i', base, '-c', 'copy'));
    // Browsers know edit lists; where the container is not theirs it is encoded.
    expect(decide(trimmed).mode).toBe('direct');
    const wrapped = { ...trimmed, info: { ...trimmed.info, container: 'flv' as const } };
    expect(decide(wrapped)).toMatchObject({ mode: 'transcode', reason: expect.stringMatching(/^The file’s edit list hides \d+ of \d+ pictures\. It is encoded while you watch\.$/) });
    expect(indexFacts(trimmed.index).tracks[0]?.startSeconds).toBeCloseTo(0, 1);
    expect(() => open(trimmed)).toThrow(/edit list/);
    const opus = await probe(await folder.make('opus.ts', ...picture('25', 2), ...tone(2), ...x264(50), '-c:a', 'libopus'));
    expect(decide(opus)).toMatchObject({ mode: 'transcode', reason: expect.stringContaining('Opus from a MPEG-TS container cannot be repackaged') });
  });

  it('describes HEVC of a transport stream as ffmpeg describes it in MP4', async () => {
    const codec = ['-c:v', 'libx265', '-preset', 'ultrafast', '-pix_fmt', 'yuv444p', '-x265-params', 'keyint=25:log-level=none', '-tag:v', 'hvc1'];
    const mp4 = await folder.make('described.mp4', ...picture('25', 1, '318x178'), ...codec);
    expect(await hevcHeadOf(await folder.make('described.ts', '-i', mp4, '-c', 'copy'))).toBe(await hevcHeadOf(mp4));
  });

  it('keeps the version of the same file and changes it with the file', async () => {
    const clip = await probe(base);
    expect(open(clip).version).toBe(open(await probe(base)).version);
    expect(open(clip).version).not.toBe(open(await probe(await folder.make('again.mp4', '-i', base, '-c', 'copy', '-an'))).version);
  });
});

it('says how many bits FLAC has: Chromium refuses it otherwise', async () => {
  const path = await folder.make('24 bits.mkv', ...picture('25', 2), ...tone(2, 96_000), ...x264(50), '-c:a', 'flac', '-sample_fmt', 's32', '-bits_per_raw_sample', '24');
  const init = Buffer.from(await open(await probe(path)).init('a0'));
  expect(init.readUInt16BE(init.indexOf('fLaC') + 4 + 6 + 2 + 8 + 2)).toBe(24);
});

describe('many segments at once', () => {
  it.each(['mkv', 'mp4', 'ts'])('are the same as one after the other (%s)', async (container) => {
    // 20 segments of about 600 kB: more than there is memory kept to read into.
    const path = await folder.make(`many.${container}`, ...picture('25', 40, '640x360'), ...x264(50, '-qp', '8'));
    const clip = await probe(path);
    const pack = open(clip);
    const numbers = Array.from({ length: pack.renditions[0]?.segments ?? 0 }, (_, n) => n);
    expect(numbers.length).toBeGreaterThan(5);
    const single: Uint8Array[] = [];
    for (const n of numbers) single.push(await pack.segment('v0', n));
    expect(Math.min(...single.map(({ length }) => length))).toBeGreaterThan(300_000);
    const together = await Promise.all([...numbers, ...numbers].map((n) => pack.segment('v0', n)));
    expect(together.every((bytes, i) => Buffer.compare(bytes, single[i % numbers.length] ?? new Uint8Array()) === 0)).toBe(true);
  }, 60_000);
});
