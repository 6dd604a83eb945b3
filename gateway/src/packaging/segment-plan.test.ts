import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allocateTrack, PacketFlag, type PacketTrack } from '@reelay/contracts';
import { NotRemuxableError } from './errors.ts';
import { planSegments } from './segment-plan.ts';

interface TestPacket { readonly pts: number; readonly idr?: boolean; readonly discard?: boolean; readonly duration?: number }

function track(kind: 'video' | 'audio', den: number, packets: readonly TestPacket[]): PacketTrack {
  const made = allocateTrack({ streamIndex: kind === 'video' ? 0 : 1, kind, timeBase: { num: 1, den }, count: packets.length });
  for (const [i, { pts, idr = kind === 'audio', discard = false, duration = 1 }] of packets.entries()) {
    made.pts[i] = pts;
    made.duration[i] = duration;
    made.size[i] = 100;
    made.flags[i] = (idr ? PacketFlag.key | PacketFlag.idr : 0) | (discard ? PacketFlag.discard : 0);
  }
  return made;
}

/** One picture a second with an IDR every `gop` seconds. */
const steady = (seconds: number, gop: number, start = 0) =>
  track('video', 1, Array.from({ length: seconds }, (_, i) => ({ pts: start + i, idr: i % gop === 0 })));
const sound = (seconds: number, start = 0) =>
  track('audio', 50, Array.from({ length: seconds * 50 }, (_, i) => ({ pts: start * 50 + i })));
const lengths = (plan: ReturnType<typeof planSegments>) => plan.video?.segments.map((segment) => segment.durationSeconds);

describe('planSegments', () => {
  it('cuts near six seconds, whatever the keyframe distance', () => {
    expect(lengths(planSegments(steady(24, 1), []))).toEqual([6, 6, 6, 6]);
    expect(lengths(planSegments(steady(24, 2), []))).toEqual([6, 6, 6, 6]);
    expect(lengths(planSegments(steady(20, 5), []))).toEqual([5, 5, 5, 5]);
    expect(lengths(planSegments(steady(25, 10), []))).toEqual([10, 10, 5]);
  });

  it('sets the target duration of all renditions to the longest segment', () => {
    expect(planSegments(steady(25, 10), [sound(40)]).targetDurationSeconds).toBe(10);
  });

  it('leaves out what precedes the first clean start and rebases to it', () => {
    const video = track('video', 1, [{ pts: 0 }, { pts: 1 }, { pts: 2, idr: true }, { pts: 3 }, { pts: 4 }]);
    const plan = planSegments(video, [sound(10)]);
    expect(plan.video?.segments).toMatchObject([{ first: 2, end: 5, startTicks: 0, endTicks: 3 }]);
    expect(plan.audio[0]?.segments[0]).toMatchObject({ first: 100, startTicks: 0 });
  });

  it('keeps the distance between sound and pictures', () => {
    const plan = planSegments(steady(12, 6, 1000), [sound(12, 1003)]);
    expect(plan.audio[0]?.segments[0]).toMatchObject({ startTicks: 150, durationSeconds: 6 });
    expect(plan.audio[0]?.segments[1]).toMatchObject({ startTicks: 300 });
  });

  it('goes on after the pictures end, in steps of the target length', () => {
    const plan = planSegments(steady(6, 6), [sound(20)]);
    expect(plan.audio[0]?.segments.map((segment) => segment.durationSeconds)).toEqual([6, 6, 6, 2]);
  });

  it('merges segments without sound into the next', () => {
    const gap = track('audio', 50, [...Array.from({ length: 200 }, (_, i) => ({ pts: i })), ...Array.from({ length: 200 }, (_, i) => ({ pts: 1000 + i }))]);
    const plan = planSegments(steady(24, 6), [gap]);
    const total = plan.audio[0]?.segments.reduce((sum, segment) => sum + segment.durationSeconds, 0);
    expect(plan.audio[0]?.segments.every((segment) => segment.end > segment.first)).toBe(true);
    expect(total).toBeCloseTo(24.02, 1);
  });

  it('skips priming sound when there are no pictures', () => {
    const plan = planSegments(null, [track('audio', 50, [{ pts: -1, discard: true }, { pts: 0 }, { pts: 1 }])]);
    expect(plan.audio[0]?.segments).toMatchObject([{ first: 1, end: 3, startTicks: 0, endTicks: 2 }]);
  });

  it('refuses what has no clean start, no times, or times that jump back', () => {
    expect(() => planSegments(track('video', 1, [{ pts: 0 }]), [])).toThrow(NotRemuxableError);
    expect(() => planSegments(track('video', 1, [{ pts: 0, idr: true }, { pts: Number.NaN }]), [])).toThrow(/no time/);
    expect(() => planSegments(steady(60, 30), [])).toThrow(/30.0 s apart/);
    expect(() => planSegments(null, [track('audio', 50, [{ pts: 100 }, { pts: 0 }])])).toThrow(/jump back/);
    expect(() => planSegments(null, [])).toThrow(NotRemuxableError);
  });

  it('covers every packet once, without a gap, for any groups', () => {
    const groups = fc.array(fc.integer({ min: 1, max: 15 }), { minLength: 1, maxLength: 40 });
    fc.assert(fc.property(groups, fc.integer({ min: -1000, max: 1_000_000 }), (sizes, start) => {
      const packets: TestPacket[] = [];
      for (const size of sizes) for (let i = 0; i < size; i += 1) packets.push({ pts: start + packets.length, idr: i === 0 });
      const plan = planSegments(track('video', 1, packets), []).video;
      let packet = 0;
      let ticks = 0;
      for (const segment of plan?.segments ?? []) {
        expect([segment.first, segment.startTicks]).toEqual([packet, ticks]);
        expect(packets[segment.first]?.idr).toBe(true);
        packet = segment.end;
        ticks = segment.endTicks;
      }
      expect([packet, ticks]).toEqual([packets.length, packets.length]);
    }));
  });
});
