import { assert, array, boolean, constantFrom, integer, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coveringHead, type HeadPlan, type HeadState, LIMITS, planHeads, type PlanQuestion, reachOf, type Want } from './head-plan.ts';
import type { Place } from './viewing.ts';

const COUNT = 200;
const NOW = 100_000;
const place = (over: Partial<Place> = {}): Place => ({ viewer: 'v', kind: 'video', renditionId: 'h360', n: 0, streak: 0, atMs: NOW, supersededMs: null, ...over });
const want = (n: number, over: Partial<Want> = {}): Want => ({ renditionId: 'h360', n, isInit: false, sinceMs: NOW, place: place({ n }), urgent: true, notBeforeMs: NOW, ...over });
const head = (next: number, over: Partial<HeadState> = {}): HeadState => ({ id: `head-${next}`, renditionId: 'h360', from: next, next, segmentMs: null, startedMs: NOW, unwantedSinceMs: null, ...over });
const plan = (over: Partial<PlanQuestion>, made: readonly number[] = []): HeadPlan =>
  planHeads({ nowMs: NOW, wants: [], places: [], heads: [], troubles: [], isHurried: false, count: () => COUNT, has: (_id, n) => made.includes(n), ...over });
const range = (from: number, end: number): number[] => Array.from({ length: end - from }, (_, i) => from + i);

describe('a request on hold', () => {
  it('has a head started for it, a short way at first', () => {
    expect(plan({ wants: [want(7)] }).starts).toEqual([{ renditionId: 'h360', n: 7, until: 12, urgent: true }]);
    expect(plan({ wants: [want(198)] }).starts[0]?.until).toBe(COUNT);
  });
  it('waits for a head that is near, by its own speed', () => {
    expect(plan({ wants: [want(12)], heads: [head(10)] })).toMatchObject({ starts: [], until: new Map([['head-10', 13]]) });
    expect(plan({ wants: [want(15)], heads: [head(10)] }).starts).toHaveLength(1);
    expect(plan({ wants: [want(15)], heads: [head(10, { segmentMs: 200 })] }).starts).toHaveLength(0);
    expect(plan({ wants: [want(13)], heads: [head(10, { segmentMs: 3_000 })] }).starts).toHaveLength(1);
    expect(plan({ wants: [want(9)], heads: [head(10)] }).starts).toHaveLength(1);
    expect(plan({ wants: [want(10)], heads: [head(10, { renditionId: 'h240' })] }).starts).toHaveLength(1);
  });
  it('shares a head with others that ask for what follows', () => {
    expect(plan({ wants: [want(8), want(7), want(9)] }).starts).toMatchObject([{ n: 7, until: 14 }]);
    expect(plan({ wants: [want(7), want(90)] }).starts).toHaveLength(2);
  });
  it('for an init segment is content with any head of its rendition', () => {
    expect(plan({ wants: [want(0, { isInit: true })], heads: [head(50)] })).toMatchObject({ starts: [], until: new Map([['head-50', 51]]) });
    expect(plan({ wants: [want(20, { isInit: true })] }).starts).toMatchObject([{ n: 20 }]);
  });
  it('while its viewer drags the seek bar waits for where it stops', () => {
    expect(plan({ wants: [want(7, { notBeforeMs: NOW + 200 })] })).toMatchObject({ starts: [], againInMs: 200 });
    expect(plan({ wants: [want(7, { place: place({ supersededMs: NOW - 100 }) })] })).toMatchObject({ starts: [], againInMs: 600 });
    expect(plan({ wants: [want(7, { place: place({ supersededMs: NOW - 700 }) })] }).starts).toHaveLength(1);
  });
  it('goes before older ones when places are short, and what was left behind goes last', () => {
    const wants = range(0, 8).map((i) => want(i * 20, { sinceMs: NOW - 1_000 + i * 100 }));
    expect(plan({ wants }).starts.map(({ n }) => n)).toEqual([140, 120, 100, 80, 60, 40]);
    const left = want(140, { place: place({ supersededMs: NOW - 5_000 }) });
    expect(plan({ wants: [...wants.slice(0, 7), left] }).starts.map(({ n }) => n)).toEqual([120, 100, 80, 60, 40, 20]);
  });
  it('gets no head where encoding fails', () => {
    expect(plan({ wants: [want(7)], troubles: [{ renditionId: 'h360', n: 7 }] }).starts).toEqual([]);
    expect(plan({ wants: [want(7)], troubles: [{ renditionId: 'h240', n: 7 }] }).starts).toHaveLength(1);
  });
});

describe('a head', () => {
  it('may go half a minute ahead of who reads on, and less ahead of a first look', () => {
    const until = [0, 1, 2, 9].map((streak) => plan({ places: [place({ n: 10, streak })], heads: [head(11)] }, [10]).until.get('head-11'));
    expect(until).toEqual([15, 19, 23, 26]);
  });
  it('that has made all it may waits for its viewer, also when they go back a little', () => {
    for (const n of [10, 5]) expect(plan({ places: [place({ n, streak: 9 })], heads: [head(26, { unwantedSinceMs: NOW - 60_000 })] }, range(0, 26)).drops).toEqual([]);
  });
  it('that nobody wants any more goes at once when another is started, else soon', () => {
    const places = [place({ n: 10, supersededMs: NOW - 100 }), place({ n: 100 })];
    expect(plan({ places, wants: [want(100)], heads: [head(15)] }, range(0, 15))).toMatchObject({ starts: [{ n: 100 }], drops: [{ headId: 'head-15', reason: 'superseded by seek' }] });
    expect(plan({ places: places.slice(0, 1), heads: [head(15)] })).toMatchObject({ drops: [], againInMs: 2_000 });
    expect(plan({ places: places.slice(0, 1), heads: [head(15, { unwantedSinceMs: NOW - 2_000 })] }).drops).toHaveLength(1);
  });
  it('that nobody wants any more goes at once, too, when the request for it ends after the new one began', () => {
    const places = [place({ n: 10, supersededMs: NOW - 100 }), place({ n: 100 })];
    const heads = [head(11), head(100)];
    expect(plan({ places, wants: [want(100), want(11, { place: places[0] as Place, urgent: false })], heads }).drops).toEqual([]);
    expect(plan({ places, wants: [want(100)], heads })).toMatchObject({ starts: [], drops: [{ headId: 'head-11', reason: 'superseded by seek' }] });
    expect(plan({ places, wants: [want(100, { urgent: false })], heads }).drops).toEqual([]);
  });
  it('goes at once when its viewer has said to be gone, and stays for another', () => {
    expect(plan({ heads: [head(11)], isHurried: true }).drops).toMatchObject([{ headId: 'head-11' }]);
    expect(plan({ places: [place({ n: 10 })], heads: [head(11)], isHurried: true }, [10]).drops).toEqual([]);
  });
  it('stays as long as one of several viewers reads on', () => {
    const places = [place({ viewer: 'a', n: 10, supersededMs: NOW }), place({ viewer: 'b', n: 12, streak: 3 })];
    expect(plan({ places, heads: [head(15)] }, range(0, 15))).toMatchObject({ drops: [], until: new Map([['head-15', 28]]) });
  });
  it('that is well ahead of its viewers makes way for one who waits, the furthest first; one that somebody needs soon does not', () => {
    const viewers = range(0, 6).map((i) => place({ viewer: `v${i}`, n: i * 20, streak: 9 }));
    const heads = (lead: number) => viewers.map(({ n }, i) => head(n + lead + i));
    const made = (lead: number) => viewers.flatMap(({ n }, i) => range(n, n + lead + i));
    expect(plan({ places: viewers, heads: heads(6), wants: [want(150)] }, made(6))).toMatchObject({ starts: [{ n: 150 }], drops: [{ headId: 'head-111', reason: 'made way for a viewer who waits' }] });
    const close = viewers.map(({ n }) => head(n + 2));
    expect(plan({ places: viewers, heads: close, wants: [want(150)] }, viewers.flatMap(({ n }) => [n, n + 1]))).toMatchObject({ starts: [], drops: [] });
  });
  it('that comes to what is made already is dropped', () => {
    expect(plan({ places: [place({ n: 10, streak: 5 })], heads: [head(15)] }, range(0, 40)).drops).toMatchObject([{ reason: 'the rest is there already' }]);
    expect(plan({ heads: [head(195)] }, range(0, COUNT)).drops).toMatchObject([{ reason: 'the rest is there already' }]);
  });
  it('is started before a viewer who plays on runs dry, but not for one who stopped', () => {
    const made = range(0, 13);
    expect(plan({ places: [place({ n: 10, streak: 4 })] }, made).starts).toMatchObject([{ n: 13, urgent: false }]);
    expect(plan({ places: [place({ n: 5, streak: 4 })] }, made).starts).toEqual([]);
    expect(plan({ places: [place({ n: 10, streak: 4, atMs: NOW - 11_000 })] }, made).starts).toEqual([]);
  });
});

describe('whatever is asked', () => {
  const ids = constantFrom('h240', 'h360', 'a0');
  const n = integer({ min: 0, max: COUNT - 1 });
  const ms = integer({ min: NOW - 40_000, max: NOW });
  const places = array(record({ viewer: constantFrom('a', 'b', 'c'), renditionId: ids, n, streak: integer({ min: 0, max: 6 }), atMs: ms, isOver: boolean() }), { maxLength: 12 })
    .map((all) => all.map(({ isOver, ...one }) => place({ ...one, supersededMs: isOver ? one.atMs : null })));
  const questions = record({
    places,
    heads: array(record({ renditionId: ids, next: n, segmentMs: constantFrom(null, 100, 1_000, 5_000), startedMs: ms, unwantedSinceMs: constantFrom(null, NOW - 5_000, NOW - 500) }), { maxLength: 10 })
      .map((all) => all.map((one, i) => head(one.next, { ...one, id: `head ${i}` }))),
    asked: array(record({ renditionId: ids, n, isInit: boolean(), at: integer({ min: 0, max: 11 }), notBeforeMs: constantFrom(NOW, NOW + 200) }), { maxLength: 12 }),
    made: array(n, { maxLength: 60 }),
  });

  it('every request is waited for, started for, put off with a time, or kept for a free place; no head is dropped under it', () => {
    assert(property(questions, ({ places: all, heads, asked, made }) => {
      const wants = asked.map(({ at, ...one }) => want(one.n, { ...one, place: all[at] ?? place({ renditionId: one.renditionId, n: one.n }) }));
      const known = new Set(made);
      const { starts, drops, until, againInMs } = planHeads({ nowMs: NOW, wants, places: all, heads, troubles: [], isHurried: false, count: () => COUNT, has: (_id, i) => known.has(i) });
      const dropped = new Set(drops.map(({ headId }) => headId));
      const kept = heads.filter(({ id }) => until.has(id) && !dropped.has(id));
      const isFull = (id: string): boolean => starts.length + kept.length >= LIMITS.headsPerSession || [...starts, ...kept].filter((one) => one.renditionId === id).length >= LIMITS.headsPerRendition;
      for (const one of wants) {
        const covering = one.isInit ? heads.filter(({ renditionId }) => renditionId === one.renditionId) : [coveringHead(heads, one.renditionId, one.n)];
        const waits = covering.some((found) => found !== undefined && !dropped.has(found.id) && until.has(found.id));
        const started = starts.some((start) => start.renditionId === one.renditionId && start.n <= one.n && one.n - start.n <= 3 && start.until > one.n);
        expect(waits || started || againInMs !== null || isFull(one.renditionId)).toBe(true);
      }
      expect(starts.length).toBeLessThanOrEqual(LIMITS.headsPerSession);
      for (const start of starts) {
        expect(start.until).toBeGreaterThan(start.n);
        expect(start.until).toBeLessThanOrEqual(COUNT);
      }
      for (const one of heads) expect(reachOf(one)).toBeGreaterThanOrEqual(2);
    }), { numRuns: 500 });
  });
});
