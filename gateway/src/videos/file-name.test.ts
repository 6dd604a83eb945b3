import { assert, integer, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_NAME_BYTES, numberedName, safeFileName, titleOf } from './file-name.ts';

describe('names of uploads', () => {
  test.each([
    ['My Film (2024) "cut" \'b\'.mp4', 'My Film (2024) "cut" \'b\'.mp4'],
    ['日本語 – été.mkv', '日本語 – été.mkv'],
    ['../../etc/passwd', '_.._etc_passwd'],
    ['a/b\\c.mp4', 'a_b_c.mp4'],
    ['...hidden.mp4', 'hidden.mp4'],
    ['line\nbreak\u0000.mp4', 'line_break_.mp4'],
    ['  spaced.mp4  ', 'spaced.mp4'],
    ['evil\u202e4pm.exe', 'evil4pm.exe'],
    ['🎬.mp4', '🎬.mp4'],
    ['\ud83c.mp4', 'mp4'],
  ])('%j becomes %j', (offered, kept) => {
    expect(safeFileName(offered)).toBe(kept);
  });

  test.each(['', '.', '..', '...', '/', '   ', '\u0000', './'])('nothing is left of %j', (offered) => {
    expect(safeFileName(offered)).toBeNull();
  });

  test('a long name keeps its extension within 255 bytes', () => {
    const name = safeFileName(`${'é'.repeat(300)}.mp4`) ?? '';
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(MAX_NAME_BYTES);
    expect(name.endsWith('é.mp4')).toBe(true);
  });

  test('whatever is offered: one safe path part, and keeping it again changes nothing', () => {
    assert(property(string({ unit: 'binary', maxLength: 400 }), integer({ min: 1, max: 2000 }), (offered, n) => {
      const name = safeFileName(offered);
      if (name === null) return;
      expect(safeFileName(name)).toBe(name);
      for (const kept of [name, numberedName(name, n)]) {
        expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(MAX_NAME_BYTES);
        // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
        expect(kept).not.toMatch(/[/\\\u0000-\u001f]|^\./);
      }
      expect(titleOf(name).length).toBeGreaterThan(0);
    }));
  });

  test('further names of the same kind are numbered before the extension', () => {
    expect([1, 2, 3].map((n) => numberedName('a.b.mp4', n))).toEqual(['a.b.mp4', 'a.b (2).mp4', 'a.b (3).mp4']);
    expect(numberedName('noext', 2)).toBe('noext (2)');
  });
});
