/** A thousand viewers that come and go at random moments; afterwards there is no ffmpeg, no zombie, no open file, no temp file, no session. */
import { expect, it } from 'vitest';
import { playCourse } from '../kit/crowd-course.ts';

const SEED = Number(process.env['REELAY_VIEWERS_SEED'] ?? 1);
const VIEWERS = Number(process.env['REELAY_VIEWERS'] ?? 1_000);

it(`${VIEWERS} viewers, seed ${SEED}`, async () => {
  expect(await playCourse({ seed: SEED, viewers: VIEWERS, atOnce: 8, endByHand: false })).toEqual([]);
}, 1_800_000);
