import { describe, expect, it } from 'vitest';
import { paramsFromJson, paramsFromPairs } from './params.ts';

describe('paramsFromPairs', () => {
  it('types values as the catalogue has them', () => {
    expect(paramsFromPairs('reencode_streaming', [['videoId', '123'], ['crf', '20'], ['skipIfReady', 'true'], ['preset', 'fast']]))
      .toEqual({ videoId: '123', crf: 20, skipIfReady: true, preset: 'fast' });
    expect(paramsFromPairs('thumbnail_generate', [['timestamp', '1.5']])).toEqual({ timestamp: 1.5 });
  });
  it('leaves to the gateway what does not fit, unchanged', () => {
    expect(paramsFromPairs('reencode_streaming', [['crf', 'low'], ['skipIfReady', 'yes'], ['nonsense', '7']])).toEqual({ crf: 'low', skipIfReady: 'yes', nonsense: '7' });
    expect(paramsFromPairs('reencode_streaming', [['crf', '']])).toEqual({ crf: '' });
  });
  it('takes lists in one pair, in several, or as JSON', () => {
    expect(paramsFromPairs('compile_quad', [['videoIds', 'a,b'], ['videoIds', 'c']])).toEqual({ videoIds: ['a', 'b', 'c'] });
    expect(paramsFromPairs('compile_quad', [['videoIds', '["a","b"]']])).toEqual({ videoIds: ['a', 'b'] });
    expect(paramsFromPairs('clip_generate', [['ranges', '[{"start":1,"end":2}]']])).toEqual({ ranges: [{ start: 1, end: 2 }] });
  });
  it('refuses what is given twice, and no name is special', () => {
    expect(() => paramsFromPairs('reencode_streaming', [['crf', '1'], ['crf', '2']])).toThrow('given twice');
    expect(Object.keys(paramsFromPairs('scan', [['__proto__', 'x'], ['constructor', 'y']]))).toEqual(['__proto__', 'constructor']);
  });
});

it('paramsFromJson takes objects alone', () => {
  expect(paramsFromJson('{"a":1}', '--params')).toEqual({ a: 1 });
  for (const text of ['[1]', '1', 'null', '{', '']) expect(() => paramsFromJson(text, '--params'), text).toThrow('--params: expected a JSON object');
});
