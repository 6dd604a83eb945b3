import { expect, test } from 'vitest';
import { ManualClock } from '../testing.ts';
import { ProcessWatchdog } from './watchdog.ts';

function setUp(options: { stallMs?: number; limitMs?: number; isBackpressured?: () => boolean }) {
  const clock = new ManualClock();
  const events: string[] = [];
  const watchdog = new ProcessWatchdog({ clock, ...options, onStall: (ms) => events.push(`stall ${ms}`), onLimit: (ms) => events.push(`limit ${ms}`) });
  return { clock, events, watchdog };
}

test('progress keeps it quiet, silence does not', () => {
  const { clock, events, watchdog } = setUp({ stallMs: 10_000 });
  for (let i = 0; i < 30; i += 1) {
    clock.advance(1_000);
    watchdog.touch();
  }
  expect(events).toEqual([]);
  clock.advance(11_000);
  expect(events).toEqual(['stall 10000']);
  expect(clock.pending).toBe(0);
});

test('nobody is blamed for waiting for us', () => {
  let full = true;
  const { clock, events } = setUp({ stallMs: 10_000, isBackpressured: () => full });
  clock.advance(600_000);
  expect(events).toEqual([]);
  full = false;
  clock.advance(11_000);
  expect(events).toEqual(['stall 10000']);
});

test('held, neither silence nor age counts', () => {
  const { clock, events, watchdog } = setUp({ stallMs: 10_000, limitMs: 20_000 });
  clock.advance(5_000);
  watchdog.hold();
  clock.advance(3_600_000);
  watchdog.release();
  clock.advance(4_000);
  watchdog.touch();
  clock.advance(9_000);
  expect(events).toEqual([]);
  watchdog.touch();
  clock.advance(3_000);
  expect(events).toEqual(['limit 20000']);
});

test('a jump of the clock counts as two ticks at most', () => {
  const clock = new ManualClock();
  const events: string[] = [];
  let jumpMs = 0;
  const jumping = { now: () => clock.now(), monotonicMs: () => clock.monotonicMs() + jumpMs, after: clock.after.bind(clock), every: clock.every.bind(clock) };
  const watchdog = new ProcessWatchdog({ clock: jumping, stallMs: 10_000, onStall: () => events.push('stall'), onLimit: () => {} });
  clock.advance(2_000);
  jumpMs = 3_600_000;
  clock.advance(5_000);
  expect(events).toEqual([]);
  watchdog.stop();
});
