import { describe, expect, it } from 'vitest';
import { Viewing } from './viewing.ts';

const places = (viewing: Viewing) => viewing.places.map(({ viewer, renditionId, n, streak, supersededMs }) => [viewer, renditionId, n, streak, supersededMs !== null]);

describe('where viewers are', () => {
  it('follows who reads on, and tells a jump from the next step', () => {
    const viewing = new Viewing();
    expect(viewing.ask('a', 'video', 'h360', 0, 0)).toMatchObject({ isJump: true, isDrag: false });
    expect(viewing.ask('a', 'video', 'h360', 1, 10)).toMatchObject({ isJump: false });
    expect(viewing.ask('a', 'video', 'h360', 1, 20).place.streak).toBe(1);
    expect(viewing.ask('a', 'video', 'h360', 60, 30)).toMatchObject({ isJump: true, isDrag: false });
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
  it('a quality that goes to and fro is no second player', () => {
    const viewing = new Viewing();
    for (let n = 0; n < 6; n += 1) viewing.ask('a', 'video', n % 2 === 0 ? 'h240' : 'h360', n, n * 1_000);
    expect(places(viewing)).toEqual([['a', 'h240', 4, 3, true], ['a', 'h360', 5, 4, false]]);
    viewing.ask('a', 'video', 'h360', 90, 6_000);
    expect(places(viewing).filter(([, , , , left]) => left === false)).toEqual([['a', 'h360', 90, 0, false]]);
  });
  it('two players of one person in two qualities stay both', () => {
    const viewing = new Viewing();
    for (let n = 0; n < 5; n += 1) {
      viewing.ask('a', 'video', 'h240', n, n * 1_000);
      viewing.ask('a', 'video', 'h360', n + 2, n * 1_000 + 500);
    }
    expect(places(viewing).every(([, , , , left]) => left === false)).toBe(true);
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
  it('a seek bar that is dragged to and fro is one player, whatever it passes again', () => {
    const viewing = new Viewing();
    const path = [60, 67, 74, 81, 88, 81, 74, 67, 60, 67];
    const steps = path.map((n, i) => viewing.ask('a', 'video', 'h240', n, i * 100));
    expect(steps.map(({ isDrag }) => isDrag)).toEqual(path.map((_, i) => i >= 2));
    expect(places(viewing).filter(([, , , , left]) => left === false)).toEqual([['a', 'h240', 67, 0, false]]);
    expect(viewing.ask('a', 'video', 'h240', 68, 1_000)).toMatchObject({ isJump: false, isDrag: false, place: { streak: 1 } });
  });
  it('in another quality than before, too', () => {
    const viewing = new Viewing();
    for (const [i, n] of [40, 90, 41, 91].entries()) viewing.ask('a', 'video', 'h360', n, i * 100);
    const path = [44, 51, 58, 65, 72];
    expect(path.map((n, i) => viewing.ask('a', 'video', 'h240', n, 3_000 + i * 100)).map(({ isJump, isDrag }) => [isJump, isDrag])).toEqual([[false, false], [true, false], [true, false], [true, true], [true, true]]);
  });
  it('also of somebody who is taken for two players', () => {
    const viewing = new Viewing();
    for (const [i, n] of [0, 100, 1, 101].entries()) viewing.ask('a', 'video', 'h360', n, i * 100);
    const path = [60, 40, 20, 40, 60];
    expect(path.map((n, i) => viewing.ask('a', 'video', 'h360', n, 3_000 + i * 100).isDrag)).toEqual([false, false, true, true, true]);
  });
  it('forgets who left at once, and knows for a second that somebody did', () => {
    const viewing = new Viewing();
    for (const viewer of ['a', 'b']) viewing.ask(viewer, 'video', 'h360', 7, 0);
    viewing.leave('a', 10);
    expect([places(viewing), viewing.viewerCount(10)]).toEqual([[['b', 'h360', 7, 0, false]], 1]);
    expect(viewing.allLeft).toBe(false);
    expect([viewing.isLeaving(1_009), viewing.isLeaving(1_010)]).toEqual([true, false]);
    viewing.leave('b', 2_000);
    expect(viewing.allLeft).toBe(true);
    viewing.ask('b', 'video', 'h360', 8, 3_000);
    expect(viewing.allLeft).toBe(false);
  });
  it('keeps viewers apart, and counts those of the last half minute', () => {
    const viewing = new Viewing();
    viewing.ask('a', 'video', 'h360', 0, 0);
    viewing.ask('b', 'video', 'h360', 90, 20_000);
    expect(places(viewing).some(([, , , , left]) => left === true)).toBe(false);
    expect([viewing.viewerCount(20_000), viewing.viewerCount(30_000), viewing.viewerCount(50_000)]).toEqual([2, 1, 0]);
  });
});
