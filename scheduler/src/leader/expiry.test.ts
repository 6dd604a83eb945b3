import { describe, expect, it } from 'vitest';
import { ExpiryGuard } from './expiry.ts';

const calm = { total: 3, silent: 1 };
const MINUTE = 60_000;

describe('leases', () => {
  it('do not expire while nodes had no way to be heard', () => {
    const guard = new ExpiryGuard();
    guard.grace(1000, 45_000);
    guard.grace(500, 10);
    expect(guard.decide(45_999, calm)).toEqual({ allowed: false, reason: 'grace' });
    expect(guard.decide(46_000, calm)).toEqual({ allowed: true });
  });

  it('do not expire when most of a fleet falls silent at once, for at most five minutes', () => {
    const guard = new ExpiryGuard();
    expect(guard.decide(0, { total: 5, silent: 3 })).toEqual({ allowed: false, reason: 'mass_loss' });
    expect(guard.decide(5 * MINUTE - 1, { total: 5, silent: 5 })).toEqual({ allowed: false, reason: 'mass_loss' });
    expect(guard.decide(5 * MINUTE, { total: 5, silent: 5 })).toEqual({ allowed: true });
    expect(guard.decide(6 * MINUTE, { total: 5, silent: 2 })).toEqual({ allowed: true });
    expect(guard.decide(7 * MINUTE, { total: 5, silent: 3 })).toEqual({ allowed: false, reason: 'mass_loss' });
  });

  it('expire in a small fleet: two silent nodes of two may well be gone', () => {
    expect(new ExpiryGuard().decide(0, { total: 4, silent: 4 })).toEqual({ allowed: true });
  });
});
