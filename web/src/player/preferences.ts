/** What a viewer likes, kept in this browser: sound, speed, languages. */
import { readStored, writeStored } from '../store/storage.ts';

export interface Preferences {
  readonly volume: number;
  readonly muted: boolean;
  readonly speed: number;
  /** A language, `off`, or null when nobody has chosen. */
  readonly subtitles: string | null;
  readonly audio: string | null;
}

const KEY = 'reelay.player';
const DEFAULTS: Preferences = { volume: 1, muted: false, speed: 1, subtitles: null, audio: null };

/** What was stored, made whole: anything that is not what it should be is its default. */
export function preferencesFrom(text: string | null): Preferences {
  const stored = parsed(text);
  const number = (name: 'volume' | 'speed', least: number, most: number): number => {
    const value = stored[name];
    return typeof value === 'number' && value >= least && value <= most ? value : DEFAULTS[name];
  };
  const word = (name: 'subtitles' | 'audio'): string | null => {
    const value = stored[name];
    return typeof value === 'string' && value.length <= 35 ? value : null;
  };
  return { volume: number('volume', 0, 1), muted: stored['muted'] === true, speed: number('speed', 0.25, 3), subtitles: word('subtitles'), audio: word('audio') };
}

function parsed(text: string | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

export const readPreferences = (): Preferences => preferencesFrom(readStored(KEY));
export const prefer = (change: Partial<Preferences>): void => writeStored(KEY, JSON.stringify({ ...readPreferences(), ...change }));
