/** Light, dark or the system's. public/theme.js applies the stored choice before the first paint. */
import { signal } from '@preact/signals';
import { readStored, writeStored } from './storage.ts';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];
const KEY = 'reelay.theme';

export const theme = signal<Theme>(THEMES.find((name) => name === readStored(KEY)) ?? 'system');

export function setTheme(value: Theme): void {
  theme.value = value;
  writeStored(KEY, value === 'system' ? null : value);
  if (value === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = value;
}
