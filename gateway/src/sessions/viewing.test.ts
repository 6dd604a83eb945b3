import { describe, expect, it } from 'vitest';
import { Viewing } from './viewing.ts';

const places = (viewing: Viewing) => viewing.places.map(({ viewer, renditionId, n, streak, supersededMs }) => [viewer, renditionId, n, streak, supersededMs !== null]);

describe('where viewers are', () => {
  it('follows who reads on, and tells a jump from the next step', () => {
    const viewing = new Viewing();
    expect(viewing.ask('a', 'video', 'h360', 0, 0)).toMatchObject({ isJump: true, recentJumps: 1 });
    expect(viewing.ask('a', 'video', 'h360', 1, 10)).toMatchObject({ isJump: false });
    expect(viewing.ask('a', 'video', 'h360', 1, 20).place.streak).toBe(1);
    expect(viewing.ask('a', 'video', 'h360', 60, 30)).toMatchObject({ isJump: true, recentJumps: 2 });
    expect(places(viewing)).toEqual([['a', 'h360', 1, 1, true], ['a', 'h360', 60, 0, false]]);
    viewing.prune(5_030);
    expect(places(viewing)).toEqual([['a', 'h360', 60, 0, false]]);
    viewing.prune(30_030);
    expect(places(viewing)).toEqual([]);
  });
  it('another quality at the same place is no jump, and the one before is left', () => {
    const viewing = new Viewing();
    for (const n of [0, 1, 2]) viewing.ask('a', 'video', 'h240', n, n);
    expect(viewing.guess('a', 'video')).toBe(3);
    expect(viewing.ask('a', 'video', 'h720', 3, 10)).toMatchObject({ isJump: false, place: { streak: 2 } });
    expect(places(viewing)).toEqual([['a', 'h240', 2, 2, true], ['a', 'h720', 3, 2, false]]);
  });
  it('sound goes with the pictures: a jump of one leaves the other’s place, the same place does not', () => {
    const viewing = new Viewing();
    viewing.ask('a', 'video', 'h360', 0, 0);
    viewing.ask('a', 'audio', 'a0', 0, 0);
    expect(places(viewing).every(([, , , , left]) => left === false)).toBe(true);
    viewing.ask('a', 'video', 'h360', 90, 10);
    expect(places(viewing).filter(([, , , , left]) => left === true)).toHaveLength(2);
    expect(viewing.guess('a', 'audio')).toBe(90);
  });
  it('two players of one person do not chase each other', () => {
    const viewing = new Viewing();
    for (let i = 0; i < 5; i += 1) {
      viewing.ask('a', 'video', 'h360', i, i * 100);
      viewing.ask('a', 'video', 'h360', 100 + i, i * 100 + 50);
    }
    expect(places(viewing)).toEqual([['a', 'h360', 4, 4, false], ['a', 'h360', 104, 4, false]]);
  });
  it('keeps viewers apart, and counts those of the last half minute', () => {
    const viewing = new Viewing();
    viewing.ask('a', 'video', 'h360', 0, 0);
    viewing.ask('b', 'video', 'h360', 90, 20_000);
    expect(places(viewing).some(([, , , , left]) => left === true)).toBe(false);
    expect([viewing.viewerCount(20_000), viewing.viewerCount(30_000), viewing.viewerCount(50_000)]).toEqual([2, 1, 0]);
  });
});
