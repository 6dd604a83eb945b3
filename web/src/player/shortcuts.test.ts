import { expect, test } from 'vitest';
import { SHORTCUTS, shortcutFor } from './shortcuts.ts';

const press = (key: string, more: object = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, defaultPrevented: false, ...more });

test('no key does two things', () => {
  const keys = SHORTCUTS.flatMap((shortcut) => shortcut.keys);
  expect(new Set(keys).size).toBe(keys.length);
});

test('keys are left alone while typing, with a modifier, or when something else took them', () => {
  expect(shortcutFor(press('k'), 'free')?.what).toBe('Play or pause');
  expect(shortcutFor(press('K'), 'free')?.what).toBe('Play or pause');
  expect(shortcutFor(press('k'), 'typing')).toBeNull();
  for (const more of [{ ctrlKey: true }, { metaKey: true }, { altKey: true }, { defaultPrevented: true }]) expect(shortcutFor(press('f', more), 'free')).toBeNull();
  expect(shortcutFor(press(' '), 'control')).toBeNull();
  expect(shortcutFor(press('l'), 'control')).not.toBeNull();
  expect(shortcutFor(press('x'), 'free')).toBeNull();
});

test('a slider keeps the keys that move it', () => {
  expect(shortcutFor(press('ArrowLeft'), 'slider')).toBeNull();
  expect(shortcutFor(press('PageUp'), 'slider')).toBeNull();
  expect(shortcutFor(press(' '), 'slider')?.what).toBe('Play or pause');
  expect(shortcutFor(press('m'), 'slider')).not.toBeNull();
});
