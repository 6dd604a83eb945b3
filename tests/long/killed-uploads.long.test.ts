/** A gateway is killed 40 times in the middle of an upload; another one goes on. REELAY_UPLOAD_KILLS and _SEED choose another course. */
import { expect, it } from 'vitest';
import { Randomness } from '../kit/random.ts';
import { killUploads } from '../rolling-restart/killed-uploads.ts';

const ROUNDS = Number(process.env['REELAY_UPLOAD_KILLS'] ?? 40);
const SEED = Number(process.env['REELAY_UPLOAD_KILLS_SEED'] ?? 1);

it('an upload goes on at the other gateway: the bytes that were sent, one video, nothing left behind', async () => {
  const result = await killUploads(ROUNDS, new Randomness(SEED));
  console.log(JSON.stringify(result));
  expect(result.wrongs).toEqual([]);
}, ROUNDS * 15_000 + 120_000);
