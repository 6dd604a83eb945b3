/** A few of the viewers of tests/long/viewers.long.test.ts, the same ones each time. */
import { expect, it } from 'vitest';
import { playCourse } from '../kit/crowd-course.ts';

it('60 viewers come and go in every way, and nothing of them is left', async () => {
  expect(await playCourse({ seed: 3, viewers: 60, atOnce: 8, endByHand: true })).toEqual([]);
}, 150_000);
