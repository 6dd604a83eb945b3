import { expect, test } from 'vitest';
import * as causes from './causes.ts';
import { sayDuration } from './duration.ts';

test('a cause is a sentence that a log line can end with', () => {
  const said = [
    new causes.ClientGone(), new causes.Drained(), new causes.Watchdog('ffmpeg', 30_000), new causes.SupersededBySeek(), new causes.SessionIdle(45_000),
    new causes.KilledByHand('admin'), new causes.TimedOut('probe', 1_500), new causes.HeartbeatLost('player 7', 30_000), new causes.StalledClient(120_000),
    new causes.MemoryPressure({ rssBytes: 612 * 1_048_576, limitBytes: 500 * 1_048_576 }), new causes.MemoryPressure({ limitBytes: 500 * 1_048_576 }),
    new causes.MemoryPressure({ availableBytes: 210 * 1_048_576, totalBytes: 8_192 * 1_048_576 }), new causes.MemoryPressure(),
  ].map((cause) => `${cause.code}: ${cause.message}`);
  expect(said).toEqual([
    'client_gone: client disconnected',
    'drained: node drained',
    'stalled: watchdog: no progress for 30 s',
    'superseded_by_seek: superseded by seek',
    'session_idle: session idle for 45 s',
    'killed_by_hand: ended by hand by admin',
    'timed_out: probe passed its time limit of 1.5 s',
    'heartbeat_lost: no heartbeat from player 7 for 30 s',
    'client_stalled: client stalled: it read nothing for 2 min',
    'memory_pressure: used 612 MB of memory, its limit is 500 MB',
    'memory_pressure: passed its memory limit of 500 MB',
    'memory_pressure: ended to free memory: 210 MB of 8192 MB were left',
    'memory_pressure: ended to free memory',
  ]);
});

test.each([[0, '0 ms'], [49.6, '50 ms'], [1_000, '1 s'], [1_550, '1.6 s'], [90_000, '90 s'], [120_000, '2 min'], [3_600_000, '60 min'], [9_000_000, '2.5 h']])('%d ms', (ms, said) => {
  expect(sayDuration(ms)).toBe(said);
});
