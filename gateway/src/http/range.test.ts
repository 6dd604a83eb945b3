import { describe, expect, test } from 'vitest';
import { isNotModified, parseRange, rangeStillValid } from './range.ts';

const part = (start: number, end: number) => ({ kind: 'part', start, end });
const whole = { kind: 'whole' };
const unsatisfiable = { kind: 'unsatisfiable' };

describe('Range of a file of 100 bytes', () => {
  test.each([
    [undefined, whole], ['bytes=0-0', part(0, 0)], ['bytes=0-', part(0, 99)], ['bytes=10-19', part(10, 19)], ['bytes=90-500', part(90, 99)],
    ['bytes=-10', part(90, 99)], ['bytes=-500', part(0, 99)], ['Bytes=1-2', part(1, 2)], ['bytes=100-', unsatisfiable], ['bytes=100-200', unsatisfiable],
    ['bytes=-0', unsatisfiable], ['bytes=5-4', whole], ['bytes=', whole], ['bytes=-', whole], ['bytes=a-b', whole], ['items=0-1', whole],
    ['bytes=0-1,5-6', whole], ['bytes=0-1,x', whole],
  ])('%s', (header, answer) => {
    expect(parseRange(header, 100)).toEqual(answer);
  });

  test('an empty file has no satisfiable range', () => {
    expect(parseRange('bytes=0-', 0)).toEqual(unsatisfiable);
    expect(parseRange('bytes=-1', 0)).toEqual(unsatisfiable);
  });
});

describe('validators', () => {
  const validators = { etag: '"a-1"', lastModifiedMs: Date.parse('2026-01-02T03:04:05.678Z') };
  const date = 'Fri, 02 Jan 2026 03:04:05 GMT';

  test.each([
    [{ ifNoneMatch: '"a-1"' }, true], [{ ifNoneMatch: 'W/"a-1"' }, true], [{ ifNoneMatch: '"x", "a-1"' }, true], [{ ifNoneMatch: '*' }, true],
    [{ ifNoneMatch: '"b"' }, false], [{ ifNoneMatch: '"b"', ifModifiedSince: date }, false], [{ ifModifiedSince: date }, true],
    [{ ifModifiedSince: 'Fri, 02 Jan 2026 03:04:04 GMT' }, false], [{ ifModifiedSince: 'rubbish' }, false], [{}, false],
  ])('not modified: %j', (headers, expected) => {
    expect(isNotModified(headers, validators)).toBe(expected);
  });

  test.each([[undefined, true], ['"a-1"', true], ['"b"', false], ['W/"a-1"', false], [date, true], ['Fri, 02 Jan 2026 03:04:06 GMT', false]])('If-Range %s', (header, expected) => {
    expect(rangeStillValid(header, validators)).toBe(expected);
  });
});
