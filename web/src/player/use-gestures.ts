/**
 * Mouse and touch on the picture itself. Mouse: a click plays or pauses, two go full screen. Touch: one shows or hides the
 * controls; two on a side go 10 s, and each more another 10; two in the middle play or pause.
 */
import type { RefObject } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Deck } from './deck.ts';
import type { Controls } from './use-controls.ts';

const DOUBLE_MS = 320;
const STEP_SECONDS = 10;

export function useGestures(picture: RefObject<HTMLElement>, deck: Deck | null, controls: Controls): void {
  useEffect(() => {
    const area = picture.current;
    if (area === null || deck === null) return undefined;
    const abort = new AbortController();
    const { signal } = abort;
    const touch = touches(deck, controls);
    let wasTouch = false;
    area.addEventListener('pointerdown', ({ pointerType }) => { wasTouch = pointerType === 'touch'; }, { signal });
    area.addEventListener('click', (event) => {
      if (wasTouch) {
        const { left, width } = area.getBoundingClientRect();
        touch((event.clientX - left) / width, event.timeStamp);
      } else deck.say(deck.playOrPause());
    }, { signal });
    area.addEventListener('dblclick', () => {
      if (!wasTouch) deck.say(deck.fullScreen());
    }, { signal });
    return () => abort.abort();
  }, [picture, deck, controls]);
}

type Side = 'left' | 'middle' | 'right';
const sideOf = (share: number): Side => (share < 1 / 3 ? 'left' : share > 2 / 3 ? 'right' : 'middle');

function touches(deck: Deck, { isShown, show }: Controls): (share: number, timeMs: number) => void {
  let last: { side: Side; timeMs: number; steps: number; wasShown: boolean } | null = null;
  return (share, timeMs) => {
    const side = sideOf(share);
    const isAgain = last !== null && last.side === side && timeMs - last.timeMs < DOUBLE_MS;
    last = { side, timeMs, steps: isAgain && last !== null ? last.steps + 1 : 0, wasShown: isAgain && last !== null ? last.wasShown : isShown.peek() };
    if (!isAgain) {
      show(!last.wasShown);
      return;
    }
    show(last.wasShown);
    if (side === 'middle') deck.say(deck.playOrPause());
    else {
      const seconds = side === 'left' ? -STEP_SECONDS : STEP_SECONDS;
      deck.seekBy(seconds);
      deck.say(`${seconds > 0 ? '+' : '−'}${STEP_SECONDS * last.steps} s`);
    }
  };
}
