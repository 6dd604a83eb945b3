/** The picture with all that lies on it: controls, subtitles, what the keys did, statistics, waiting and trouble. */
import { useSignal } from '@preact/signals';
import type { Playback, Video } from '@reelay/contracts';
import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { api } from '../api.ts';
import { Icon } from '../components/icon.tsx';
import { clock, parseStart } from '../model/format.ts';
import { navigate, place, videoPath } from '../router.ts';
import { Bar } from './bar.tsx';
import { CaptionsView } from './captions-view.tsx';
import { decodedCodecs } from './codecs.ts';
import { Deck } from './deck.ts';
import { freezePicture } from './freeze.ts';
import { ShortcutHelp } from './help.tsx';
import { keepPlace } from './keep-place.ts';
import { openMediaSession } from './media-session.ts';
import { forgetPosition, storedPosition } from './resume.ts';
import { focusOf, shortcutFor } from './shortcuts.ts';
import { StatsView } from './stats-view.tsx';
import { TroubleView } from './trouble.tsx';
import { useControls } from './use-controls.ts';
import { useGestures } from './use-gestures.ts';
import { WaitingView } from './waiting-view.tsx';

export function Screen({ video, playback, element }: { video: Video; playback: Playback; element: RefObject<HTMLVideoElement> }) {
  const frame = useRef<HTMLDivElement>(null);
  const still = useRef<HTMLCanvasElement>(null);
  const resumedAt = useSignal<number | null>(null);
  const deck = useDeck({ video, playback, element, frame, still, onResumed: (seconds) => { resumedAt.value = seconds; } });
  const controls = useControls(frame, deck);
  useGestures(element, deck, controls);
  useKeys(deck);
  const fromStart = (): void => {
    deck?.seekTo(0);
    forgetPosition(video.id);
    resumedAt.value = null;
  };
  const poster = video.thumbnailPath === null ? undefined : api.thumbnailPath(video.id, video.thumbnailPath);
  return (
    <>
      <div ref={frame} class="screen" data-controls={controls.isShown.value}>
        <video ref={element} playsInline preload="auto" aria-label={video.title} poster={poster} />
        <canvas ref={still} class="still" hidden aria-hidden="true" />
        {deck !== null && <Layers deck={deck} />}
      </div>
      {resumedAt.value !== null && (
        <p class="resumed small" role="status">
          Continued at {clock(resumedAt.value)}. <button type="button" class="link-button" onClick={fromStart}>Start over</button>
        </p>
      )}
      {deck?.isHelpOpen.value === true && <ShortcutHelp onClose={() => { deck.isHelpOpen.value = false; }} />}
    </>
  );
}

function Layers({ deck }: { deck: Deck }) {
  const { paused, hasPicture, ended } = deck.watched.state.value;
  const said = deck.said.value;
  const isStopped = deck.player.state.value.kind === 'stopped';
  return (
    <>
      <CaptionsView captions={deck.captions} />
      {paused && !ended && hasPicture && <div class="big-play" aria-hidden="true"><Icon name="play" size={44} /></div>}
      <WaitingView deck={deck} />
      <div class="echo" role="status" data-on={said !== ''}>{said}</div>
      {deck.captions.failed.value && <p class="player-note" role="status">The subtitles could not be loaded.</p>}
      {deck.isStatsOpen.value && <StatsView deck={deck} />}
      {!isStopped && <Bar deck={deck} />}
      <TroubleView player={deck.player} video={deck.video} />
    </>
  );
}

interface DeckParts {
  readonly video: Video;
  readonly playback: Playback;
  readonly element: RefObject<HTMLVideoElement>;
  readonly frame: RefObject<HTMLElement>;
  readonly still: RefObject<HTMLCanvasElement>;
  readonly onResumed: (seconds: number | null) => void;
}

/** Null for the first moment. */
function useDeck({ video, playback, element, frame, still, onResumed }: DeckParts): Deck | null {
  const [deck, setDeck] = useState<Deck | null>(null);
  const wasLinked = useRef(false);
  // Opened before the page is painted, not after.
  useLayoutEffect(() => {
    const picture = element.current;
    const box = frame.current;
    if (picture === null || box === null) return undefined;
    // The place of the link is for the first time: later the viewer is elsewhere.
    const linked = wasLinked.current ? null : parseStart(new URLSearchParams(place.peek().search).get('t') ?? '');
    wasLinked.current = true;
    // From the first picture on, the address is the film's and the place is remembered: a sign-in or a reload goes on there.
    if (linked !== null) picture.addEventListener('playing', () => navigate(videoPath(video.id), { replace: true }), { once: true });
    const stored = linked === null ? storedPosition(video.id) : null;
    onResumed(stored);
    const opened = new Deck(picture, box, video, playback, {
      askAgain: () => api.playback(video.id, decodedCodecs((type) => picture.canPlayType(type))),
      onReopen: () => {
        if (still.current !== null) freezePicture(picture, still.current);
      },
      onSignedOut: () => leaveForSignIn(video.id, opened.watched.seconds.peek()),
    });
    setDeck(opened);
    // Who came by a click wants to watch; a page opened by its address may not play aloud.
    const wasAsked = typeof navigator.userActivation === 'object' && navigator.userActivation.hasBeenActive;
    void opened.player.open(linked ?? stored ?? 0, wasAsked);
    const forget = keepPlace(picture, video.id);
    // The next film needs what this one's encoders take.
    const leave = (): void => {
      const { mode, ladderUrl } = opened.player.playback.peek();
      if (mode === 'transcode' || ladderUrl !== null) api.leaveVideo(video.id).catch(() => {});
    };
    addEventListener('pagehide', leave);
    const closeMediaSession = openMediaSession(opened, video.thumbnailPath === null ? undefined : api.thumbnailPath(video.id, video.thumbnailPath));
    return () => {
      closeMediaSession();
      forget();
      opened.destroy();
      removeEventListener('pagehide', leave);
      leave();
      setDeck(null);
    };
    // A changed title or thumbnail is no reason to open the video anew.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [video.id, playback, element, frame, still]);
  return deck;
}

/** The API says so too, then the page for signing in opens by itself; `next` brings back here. */
function leaveForSignIn(id: string, seconds: number): void {
  navigate(`${videoPath(id)}${seconds >= 1 ? `?t=${Math.floor(seconds)}` : ''}`, { replace: true });
  void api.me().catch(() => {});
}

function useKeys(deck: Deck | null): void {
  useEffect(() => {
    if (deck === null) return undefined;
    const onKey = (event: KeyboardEvent): void => {
      const shortcut = shortcutFor(event, focusOf(event.target));
      if (shortcut === null) return;
      event.preventDefault();
      event.stopPropagation();
      deck.say(shortcut.run(deck, event.key));
    };
    document.addEventListener('keydown', onKey, { capture: true });
    return () => document.removeEventListener('keydown', onKey, { capture: true });
  }, [deck]);
}
