/** While the picture waits: a spinner, and after 2 s the reason. */
import { useEffect, useState } from 'preact/hooks';
import { AUTO, ORIGINAL } from './choices.ts';
import type { Deck } from './deck.ts';
import { isEncoded } from './sources.ts';
import { waitingText } from './waiting.ts';

const SPIN_MS = 300;
const SAY_MS = 2000;
const SLOW_MS = 8000;
const TICK_MS = 250;

export function WaitingView({ deck }: { deck: Deck }) {
  const { starved } = deck.watched.state.value;
  const state = deck.player.state.value;
  const waitedMs = useWaited(starved && state.kind !== 'stopped');
  if (waitedMs < SPIN_MS) return null;
  const { player } = deck;
  const trouble = state.kind === 'waiting' ? state.trouble : null;
  const isSlow = waitedMs > SLOW_MS;
  const text = waitedMs < SAY_MS && trouble === null ? '' : waitingText({
    trouble, retryAtMs: state.kind === 'waiting' ? state.retryAtMs : null, nowMs: Date.now(), isOnline: navigator.onLine, isSlow, isEncoded: isEncoded(player.playback.value, player.source.value),
  });
  const canLower = isSlow && trouble === null && player.quality.value === ORIGINAL && player.playback.value.ladderUrl !== null;
  return (
    <div class="player-wait">
      <span class="spinner" aria-hidden="true" />
      <p role="status">{text}</p>
      {trouble !== null && waitedMs > SAY_MS && <button type="button" class="button" onClick={() => player.tryAgain()}>Try now</button>}
      {canLower && <button type="button" class="button" onClick={() => deck.say(deck.setQuality(AUTO))}>Lower the quality</button>}
    </div>
  );
}

/** For how long something has held, in ms; 0 when it does not. */
function useWaited(holds: boolean): number {
  const [waitedMs, setWaitedMs] = useState(0);
  useEffect(() => {
    setWaitedMs(0);
    if (!holds) return undefined;
    const sinceMs = Date.now();
    const timer = setInterval(() => setWaitedMs(Date.now() - sinceMs), TICK_MS);
    return () => clearInterval(timer);
  }, [holds]);
  return holds ? waitedMs : 0;
}
