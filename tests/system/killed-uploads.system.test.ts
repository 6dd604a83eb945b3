/** A short slice of tests/long/killed-uploads. */
import { expect, it } from 'vitest';
import { Randomness } from '../kit/random.ts';
import { killUploads } from '../rolling-restart/killed-uploads.ts';

it('an upload goes on at the other gateway when the first is killed', async () => {
  expect((await killUploads(4, new Randomness(7))).wrongs).toEqual([]);
});
