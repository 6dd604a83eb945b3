/** Where it is, what is loaded, and where to go: with a picture of the place where there is one. */
import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { clock } from '../model/format.ts';
import type { Deck } from './deck.ts';
import type { Tile } from './storyboard.ts';
import { tileAt } from './storyboard.ts';
import { useStoryboard } from './use-storyboard.ts';

const KEY_SECONDS: Readonly<Record<string, number>> = { ArrowLeft: -5, ArrowDown: -5, ArrowRight: 5, ArrowUp: 5, PageDown: -60, PageUp: 60 };

const percent = (seconds: number, duration: number): string => `${duration > 0 ? Math.max(0, Math.min(100, (seconds / duration) * 100)) : 0}%`;

export function SeekBar({ deck }: { deck: Deck }) {
  const bar = useRef<HTMLDivElement>(null);
  /** Under the pointer, or where it is dragged to. */
  const pointed = useSignal<number | null>(null);
  const held = useSignal(false);
  const { watched, durationSeconds: { value: duration } } = deck;
  const tiles = useStoryboard(deck.player.playback.value.storyboardUrl, watched.state.value.hasPicture, pointed.value !== null);
  const seconds = held.value && pointed.value !== null ? pointed.value : watched.seconds.value;

  const secondsAt = (event: PointerEvent): number => {
    const { left, width } = bar.current?.getBoundingClientRect() ?? { left: 0, width: 1 };
    return Math.max(0, Math.min(1, (event.clientX - left) / width)) * duration;
  };
  const onDown = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    bar.current?.setPointerCapture(event.pointerId);
    held.value = true;
    pointed.value = secondsAt(event);
  };
  const onUp = (event: PointerEvent): void => {
    if (!held.peek()) return;
    held.value = false;
    deck.seekTo(secondsAt(event));
    if (event.pointerType === 'touch') pointed.value = null;
  };
  const onKey = (event: KeyboardEvent): void => {
    const by = KEY_SECONDS[event.key];
    const to = event.key === 'Home' ? 0 : event.key === 'End' ? duration : null;
    if ((by === undefined && to === null) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (by !== undefined) deck.seekBy(by);
    else deck.seekTo(to ?? 0);
  };
  return (
    <div
      ref={bar} class="seek" role="slider" tabIndex={0} aria-label="Place in the video" aria-valuemin={0} aria-valuemax={Math.round(duration)}
      aria-valuenow={Math.round(Math.min(seconds, duration))} aria-valuetext={`${clock(seconds)} of ${clock(Math.round(duration))}`} data-held={held.value}
      onPointerDown={onDown} onPointerMove={(event) => { pointed.value = secondsAt(event); }} onPointerUp={onUp}
      onPointerCancel={() => { held.value = false; }} onPointerLeave={() => { if (!held.peek()) pointed.value = null; }} onKeyDown={onKey}
    >
      <div class="seek-track">
        {watched.buffered.value.map(([start, end]) => <div key={start} class="seek-loaded" style={{ left: percent(start, duration), width: percent(end - start, duration) }} />)}
        <div class="seek-done" style={{ width: percent(seconds, duration) }} />
      </div>
      <div class="seek-knob" style={{ left: percent(seconds, duration) }} />
      {pointed.value !== null && duration > 0 && <Preview seconds={pointed.value} at={percent(pointed.value, duration)} tile={tileAt(tiles, pointed.value)} />}
    </div>
  );
}

function Preview({ seconds, at, tile }: { seconds: number; at: string; tile: Tile | null }) {
  const half = tile === null ? '1.75rem' : `${tile.width / 2 + 4}px`;
  return (
    <div class="seek-preview" style={{ left: `clamp(${half}, ${at}, calc(100% - ${half}))` }} aria-hidden="true">
      {tile !== null && <div class="seek-tile" style={{ width: `${tile.width}px`, height: `${tile.height}px`, backgroundImage: `url("${tile.url}")`, backgroundPosition: `-${tile.x}px -${tile.y}px` }} />}
      <span>{clock(seconds)}</span>
    </div>
  );
}
