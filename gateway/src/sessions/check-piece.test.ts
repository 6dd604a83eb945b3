import { execFileSync } from 'node:child_process';
import { audioGrid, type RenditionRecipe, videoGrid } from '@reelay/contracts';
import { beforeAll, describe, expect, it } from 'vitest';
import { boxesIn, findBox, viewOf } from './boxes.ts';
import { initObstacle, readInit, segmentObstacle, withPromisedLevel } from './check-piece.ts';

const FFMPEG = process.env['FFMPEG_PATH'] ?? 'ffmpeg';
const grid = videoGrid({ frameRate: { num: 25, den: 1 }, durationSeconds: 4, targetSeconds: 2 });
const recipe: RenditionRecipe = { kind: 'video', streamIndex: 0, grid, width: 320, height: 180, videoKbps: 300, maxKbps: 500, level: 21, rotationDegrees: 0, deinterlace: false, toneMap: null };
const sound: RenditionRecipe = { kind: 'audio', streamIndex: 1, grid: audioGrid(grid, { sampleRate: 48_000, durationSeconds: 4 }), audioKbps: 96, channels: 2 };

/** Init segment and fragments, as an encoder writes them. */
const encode = (size: string, ...options: string[]): { init: Uint8Array; fragments: Uint8Array[] } => {
  const bytes = new Uint8Array(execFileSync(FFMPEG, ['-v', 'error', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=25:duration=4`, '-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-preset', 'ultrafast', '-g', '50', '-bf', '0', '-sc_threshold', '0',
    ...options, '-video_track_timescale', String(grid.timescale), '-f', 'mp4', '-movflags', '+empty_moov+default_base_moof+skip_trailer+frag_discont+negative_cts_offsets+cmaf+frag_keyframe', 'pipe:1'], { maxBuffer: 1 << 26 }));
  const all = boxesIn(bytes) ?? [];
  const at = all.map(({ content }) => content - 8);
  const firstMoof = all.findIndex(({ type }) => type === 'moof');
  const fragments = all.flatMap(({ type }, i) => (type === 'moof' ? [bytes.slice(at[i], all[i + 1]?.end)] : []));
  return { init: bytes.slice(0, at[firstMoof]), fragments };
};

let right: ReturnType<typeof encode>;
beforeAll(() => {
  right = encode('320x180', '-profile:v', 'high', '-level:v', '1.3');
});

describe('an init segment', () => {
  it('is right when it keeps what the playlist promises', () => {
    const facts = readInit(right.init);
    expect(facts).toMatchObject({ timescale: grid.timescale, width: 320, height: 192, level: 13 });
    expect(initObstacle(facts, recipe, null)).toBeNull();
    expect(initObstacle(readInit(encode('640x360').init), recipe, null)).toContain('640x368');
    expect(initObstacle(readInit(encode('320x180', '-level:v', '4.0').init), recipe, null)).toContain('level is 40');
    expect(initObstacle(facts, { ...recipe, grid: { ...grid, timescale: 12_345 } }, null)).toContain('timescale');
    expect(initObstacle(facts, sound, null)).not.toBeNull();
    for (const broken of [new Uint8Array(0), right.init.subarray(0, 200), new TextEncoder().encode('no init segment at all')]) expect(initObstacle(readInit(broken), recipe, null)).toContain('no init segment');
  });
  it('of a later encoder may need no more than the first one', () => {
    const baseline = readInit(encode('320x180', '-profile:v', 'baseline').init);
    expect(initObstacle(baseline, recipe, readInit(right.init))).toBeNull();
    expect(initObstacle({ timescale: grid.timescale, width: 320, height: 192, profile: 100, level: 13 }, recipe, baseline)).toContain('profile');
  });
  it('is given the level that was promised, so that another encoder can go on under it', () => {
    expect(readInit(withPromisedLevel(right.init, recipe))).toEqual({ ...readInit(right.init), level: 21 });
    expect(readInit(right.init)?.level).toBe(13);
  });
});

/** The fragment at another time. */
const moved = (fragment: Uint8Array, ticks: number): Uint8Array => {
  const copy = fragment.slice();
  const tfdt = findBox(copy, ['moof', 'traf', 'tfdt']);
  if (tfdt === null) throw new Error('no tfdt');
  viewOf(copy).setBigUint64(tfdt.content + 4, BigInt(ticks));
  return copy;
};

describe('a media segment', () => {
  it('is right at its place alone, whole, and with a keyframe first', () => {
    const [first, second] = right.fragments.map((fragment) => fragment.slice());
    if (!first || !second) throw new Error('two fragments are wanted');
    const step = 50 * grid.frameTicks;
    expect([segmentObstacle(first, recipe, 0), segmentObstacle(moved(second, step), recipe, 1)]).toEqual([null, null]);
    expect(segmentObstacle(first, recipe, 1)).toContain(`begins at 0, not at ${step}`);
    expect(segmentObstacle(first, recipe, 2)).toContain('beyond the end');
    expect(segmentObstacle(first.subarray(0, first.length - 1), recipe, 0)).toContain('no whole');
    expect(segmentObstacle(right.init, recipe, 0)).toContain('no whole');
    expect(segmentObstacle(new Uint8Array([...first, ...moved(second, step)]), recipe, 0)).toContain('ticks');
    const short = encode('320x180', '-g', '25').fragments[0];
    expect(segmentObstacle(short ?? first, recipe, 0)).toContain('lasts');
  });
  it('without a keyframe first is refused', () => {
    const fragment = right.fragments[0]?.slice() ?? new Uint8Array(0);
    const trun = findBox(fragment, ['moof', 'traf', 'trun']);
    if (trun === null) throw new Error('no trun');
    const data = viewOf(fragment);
    expect(data.getUint32(trun.content) & 0x4).toBe(0x4);
    data.setUint32(trun.content + 12, 0x0101_0000);
    expect(segmentObstacle(fragment, recipe, 0)).toContain('keyframe');
  });
});
