/** The keys of keyboards and headphones, and what the system shows of what plays. */
import type { Deck } from './deck.ts';

const ACTIONS = ['play', 'pause', 'seekbackward', 'seekforward', 'seekto'] as const;

/** @returns takes it back */
export function openMediaSession(deck: Deck, artwork: string | undefined): () => void {
  if (!('mediaSession' in navigator)) return () => {};
  const { mediaSession } = navigator;
  mediaSession.metadata = new MediaMetadata({ title: deck.video.title, artwork: artwork === undefined ? [] : [{ src: artwork }] });
  const handle = (action: (typeof ACTIONS)[number], run: MediaSessionActionHandler): void => mediaSession.setActionHandler(action, run);
  handle('play', () => void deck.element.play().catch(() => {}));
  handle('pause', () => deck.element.pause());
  handle('seekbackward', ({ seekOffset }) => deck.seekBy(-(seekOffset ?? 10)));
  handle('seekforward', ({ seekOffset }) => deck.seekBy(seekOffset ?? 10));
  handle('seekto', ({ seekTime }) => {
    if (seekTime !== undefined) deck.seekTo(seekTime);
  });
  return () => {
    mediaSession.metadata = null;
    for (const action of ACTIONS) mediaSession.setActionHandler(action, null);
  };
}
