import { expect, it } from 'vitest';
import { storableJson } from './json.ts';

it('replaces what jsonb cannot hold, and nothing else', () => {
  const cut = '🎬'.slice(0, 1);
  expect(JSON.parse(storableJson({ text: `a\0b${cut}c`, whole: '🎬', said: String.raw`\u0000 \\ud83c`, [`k\0`]: [cut, null, 1] }))).toEqual({
    text: 'a\uFFFDb\uFFFDc', whole: '🎬', said: String.raw`\u0000 \\ud83c`, 'k\uFFFD': ['\uFFFD', null, 1],
  });
  expect(JSON.parse(storableJson(`\\\0\\\\${cut}`))).toBe('\\\uFFFD\\\\\uFFFD');
});
