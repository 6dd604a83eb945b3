import { expect, test } from 'vitest';
import type { Climb, Loaded } from './climb.ts';
import { afterSegment, climbFrom, rungForSize, tooSlow } from './climb.ts';

const RUNGS = [{ width: 426, height: 240 }, { width: 640, height: 360 }, { width: 1280, height: 720 }, { width: 1920, height: 1080 }];
const loaded = (fields: Partial<Loaded>): Loaded => ({ rung: 1, loadMs: 200, durationSeconds: 2, bufferSeconds: 8, isFirst: false, nowMs: 0, ...fields });
const capAfter = (fields: Partial<Loaded>, climb: Climb = climbFrom(1)): number => afterSegment(climb, RUNGS, loaded(fields)).cap;

test('climbs as far as the encoder promises, when there is something in the buffer', () => {
  // 0.1 of real time at 360p: 0.4 at 720p, 0.9 at 1080p.
  expect(capAfter({})).toBe(2);
  expect(capAfter({ loadMs: 20 })).toBe(3);
  expect(capAfter({ loadMs: 600 })).toBe(1);
  expect(capAfter({ bufferSeconds: 4 })).toBe(1);
  expect(capAfter({ isFirst: true, loadMs: 20 })).toBe(1);
});

test('goes down when segments come too late, and leaves that rung alone for longer each time', () => {
  let climb = afterSegment({ ...climbFrom(2) }, RUNGS, loaded({ rung: 2, loadMs: 2500, bufferSeconds: 3 }));
  expect(climb.cap).toBe(1);
  climb = afterSegment(climb, RUNGS, loaded({ loadMs: 10, nowMs: 59_000 }));
  // The one above is not blamed.
  expect(climb.cap).toBe(3);
  climb = tooSlow(tooSlow(climb, 3, 60_000), 2, 60_000);
  expect(climb.cap).toBe(1);
  expect(capAfter({ loadMs: 10, nowMs: 119_000 }, climb)).toBe(1);
  expect(capAfter({ loadMs: 10, nowMs: 121_000 }, climb)).toBe(3);
  expect(climb.slow.get(2)).toEqual({ times: 2, untilMs: 180_000 });
  expect(capAfter({ rung: 2, loadMs: 2500, bufferSeconds: 20 }, climbFrom(2))).toBe(2);
  expect(tooSlow(climbFrom(0), 0, 0)).toEqual(climbFrom(0));
});

test('no more than the place needs', () => {
  expect(rungForSize(RUNGS, 600, 338)).toBe(1);
  expect(rungForSize(RUNGS, 1240, 576)).toBe(2);
  expect(rungForSize(RUNGS, 3840, 2160)).toBe(3);
});
