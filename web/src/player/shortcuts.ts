/** One table makes both the key handler and the help sheet, so the sheet is complete. */
import type { Deck } from './deck.ts';

interface Shortcut {
  readonly keys: readonly string[];
  readonly shown: string;
  readonly what: string;
  /** Does it, and returns what to say. */
  readonly run: (deck: Deck, key: string) => string;
}

export const SHORTCUTS: readonly Shortcut[] = [
  { keys: [' ', 'k'], shown: 'Space, K', what: 'Play or pause', run: (deck) => deck.playOrPause() },
  { keys: ['j'], shown: 'J', what: '10 seconds back', run: (deck) => deck.seekBy(-10) },
  { keys: ['l'], shown: 'L', what: '10 seconds forward', run: (deck) => deck.seekBy(10) },
  { keys: ['ArrowLeft'], shown: '←', what: '5 seconds back', run: (deck) => deck.seekBy(-5) },
  { keys: ['ArrowRight'], shown: '→', what: '5 seconds forward', run: (deck) => deck.seekBy(5) },
  { keys: ['Home'], shown: 'Home', what: 'To the beginning', run: (deck) => deck.seekTo(0) },
  { keys: ['End'], shown: 'End', what: 'To the end', run: (deck) => deck.seekTo(deck.durationSeconds.peek()) },
  { keys: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'], shown: '0 – 9', what: 'To 0% – 90%', run: (deck, key) => deck.seekTo((deck.durationSeconds.peek() * Number(key)) / 10) },
  { keys: [','], shown: ',', what: 'One frame back, while paused', run: (deck) => deck.step(-1) },
  { keys: ['.'], shown: '.', what: 'One frame forward, while paused', run: (deck) => deck.step(1) },
  { keys: ['ArrowUp'], shown: '↑', what: 'Louder', run: (deck) => deck.setVolume(deck.element.volume + 0.05) },
  { keys: ['ArrowDown'], shown: '↓', what: 'Quieter', run: (deck) => deck.setVolume(deck.element.volume - 0.05) },
  { keys: ['m'], shown: 'M', what: 'Sound off or on', run: (deck) => deck.mute() },
  { keys: ['c'], shown: 'C', what: 'Subtitles on or off', run: (deck) => deck.toggleSubtitles() },
  { keys: ['a'], shown: 'A', what: 'Next sound track', run: (deck) => deck.nextAudio() },
  { keys: ['<'], shown: '<', what: 'Slower', run: (deck) => deck.speedBy(-1) },
  { keys: ['>'], shown: '>', what: 'Faster', run: (deck) => deck.speedBy(1) },
  { keys: ['f'], shown: 'F', what: 'Full screen', run: (deck) => deck.fullScreen() },
  { keys: ['p'], shown: 'P', what: 'Picture in picture', run: (deck) => deck.pictureInPicture() },
  { keys: ['r'], shown: 'R', what: 'Repeat', run: (deck) => deck.toggleLoop() },
  { keys: ['i'], shown: 'I', what: 'Statistics', run: (deck) => deck.toggleStats() },
  { keys: ['?'], shown: '?', what: 'This list', run: (deck) => {
    deck.isHelpOpen.value = true;
    return '';
  } },
];

export interface KeyPress {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly defaultPrevented: boolean;
}
/** What has the focus: typing and open layers keep their keys; a button keeps Space; a slider keeps what moves it. */
export type Focus = 'free' | 'control' | 'slider' | 'typing';

/** What moves a slider. */
const MOVES_SLIDER: ReadonlySet<string> = new Set(['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End', 'PageUp', 'PageDown']);

export function shortcutFor(press: KeyPress, focus: Focus): Shortcut | null {
  if (press.defaultPrevented || press.ctrlKey || press.metaKey || press.altKey || focus === 'typing') return null;
  if (focus === 'control' && press.key === ' ') return null;
  if (focus === 'slider' && MOVES_SLIDER.has(press.key)) return null;
  const key = press.key.length === 1 ? press.key.toLowerCase() : press.key;
  return SHORTCUTS.find(({ keys }) => keys.includes(key)) ?? null;
}

export function focusOf(target: EventTarget | null): Focus {
  if (!(target instanceof Element)) return 'free';
  if (target.closest('input[type="range"], [role="slider"]') !== null) return 'slider';
  if (target.closest('input, textarea, select, [contenteditable], dialog, [popover], [role="log"]') !== null) return 'typing';
  return target.closest('a, button, summary') === null ? 'free' : 'control';
}
