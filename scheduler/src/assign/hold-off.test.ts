import { ManualClock } from '@reelay/runtime/testing';
import { expect, it } from 'vitest';
import { HoldOffs } from './hold-off.ts';

it('holds off for twice as long with each refusal in a row, and forgets', () => {
  const clock = new ManualClock();
  const holdOffs = new HoldOffs(clock);
  for (const ms of [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]) {
    holdOffs.add('a', 'job', 'busy', 10_000);
    expect(holdOffs.nextEndMs()).toBe(clock.monotonicMs() + ms);
    clock.advance(ms - 1);
    expect(holdOffs.current()).toEqual([{ nodeId: 'a', jobId: 'job', reason: 'busy' }]);
    clock.advance(1);
    expect(holdOffs.current()).toEqual([]);
  }
  clock.advance(300_000);
  expect(holdOffs.nextEndMs()).toBeNull();
  holdOffs.add('a', null, 'draining', 4_000);
  expect(holdOffs.nextEndMs()).toBe(clock.monotonicMs() + 4_000);
  holdOffs.forget('a');
  expect(holdOffs.current()).toEqual([]);
});
