/**
 * Whether the controls are shown: always while paused; while playing until nothing has happened for a while.
 * A menu, a held slider, the mouse on the bar or the keyboard's focus in it keep them.
 */
import { computed, useSignal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useCallback, useEffect, useMemo, useRef } from 'preact/hooks';
import type { Deck } from './deck.ts';

const IDLE_MS = 3000;
const LEFT_MS = 600;

export interface Controls {
  readonly isShown: ReadonlySignal<boolean>;
  /** `false`: a touch that puts them away. */
  readonly show: (shown?: boolean) => void;
}

export function useControls(frame: RefObject<HTMLElement>, deck: Deck | null): Controls {
  const isShown = useSignal(true);
  const timer = useRef<ReturnType<typeof setTimeout>>();
  const show = useCallback((shown = true, forMs = IDLE_MS): void => {
    isShown.value = shown || deck?.watched.state.peek().paused !== false;
    clearTimeout(timer.current);
    if (isShown.peek()) timer.current = setTimeout(() => {
      if (frame.current === null || isHeld(frame.current)) show(true, forMs);
      else if (deck?.watched.state.peek().paused === false) isShown.value = false;
    }, forMs);
  }, [deck, frame, isShown]);

  useEffect(() => {
    const box = frame.current;
    if (box === null || deck === null) return undefined;
    const abort = new AbortController();
    const { signal } = abort;
    const byMouse = (run: () => void) => (event: PointerEvent): void => {
      if (event.pointerType !== 'touch') run();
    };
    box.addEventListener('pointermove', byMouse(() => show()), { signal });
    box.addEventListener('pointerleave', byMouse(() => show(isShown.peek(), LEFT_MS)), { signal });
    box.addEventListener('focusin', () => show(), { signal });
    box.addEventListener('keydown', () => show(), { signal });
    const isPaused = computed(() => deck.watched.state.value.paused);
    const stop = isPaused.subscribe(() => show());
    return () => {
      abort.abort();
      stop();
      clearTimeout(timer.current);
    };
  }, [deck, frame, isShown, show]);
  return useMemo(() => ({ isShown, show }), [isShown, show]);
}

/** After a touch the place touched counts as hovered. */
const hovers = matchMedia('(hover: hover)');

const isHeld = (frame: HTMLElement): boolean =>
  frame.querySelector('[role="menu"], [data-held="true"], .player-bar :focus-visible') !== null || (hovers.matches && frame.querySelector('.player-bar:hover') !== null);
