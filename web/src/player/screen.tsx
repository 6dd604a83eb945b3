/** The picture: player, keys, what the keys did, trouble and what to do about it, the place to go on from. */
import { useSignal } from '@preact/signals';
import type { Playback, Video } from '@reelay/contracts';
import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from '../api.ts';
import { clock, parseStart } from '../model/format.ts';
import { place } from '../router.ts';
import { decodedCodecs } from './codecs.ts';
import { ShortcutHelp } from './help.tsx';
import { Player } from './player.ts';
import { forgetPosition, storePosition, storedPosition } from './resume.ts';
import { focusOf, shortcutFor } from './shortcuts.ts';
import { Trouble } from './trouble.tsx';

const ECHO_MS = 900;
const SAVE_EVERY_MS = 5000;

export function Screen({ video, playback, element }: { video: Video; playback: Playback; element: RefObject<HTMLVideoElement> }) {
  const frame = useRef<HTMLDivElement>(null);
  const [player, setPlayer] = useState<Player | null>(null);
  const [help, setHelp] = useState(false);
  const resumedAt = useSignal<number | null>(null);

  useEffect(() => {
    const picture = element.current;
    if (picture === null) return undefined;
    const linked = parseStart(new URLSearchParams(place.peek().search).get('t') ?? '');
    const stored = linked === null ? storedPosition(video.id) : null;
    resumedAt.value = stored;
    const opened = new Player(picture, playback, () => api.playback(video.id, decodedCodecs((type) => picture.canPlayType(type))));
    setPlayer(opened);
    void opened.open(linked ?? stored ?? 0);
    const stopSaving = savePosition(picture, video.id);
    return () => {
      stopSaving();
      opened.destroy();
    };
  }, [video.id, playback, element, resumedAt]);

  const echo = useKeys(frame, element, video, () => setHelp(true));
  const fromStart = (): void => {
    if (element.current !== null) element.current.currentTime = 0;
    forgetPosition(video.id);
    resumedAt.value = null;
  };
  return (
    <>
      <div ref={frame} class="screen">
        <video ref={element} controls playsInline preload="auto" aria-label={video.title} poster={video.thumbnailPath === null ? undefined : api.thumbnailPath(video.id, video.thumbnailPath)} />
        <div class="echo" role="status" data-on={echo !== ''}>{echo}</div>
        {player !== null && <Trouble player={player} video={video} />}
      </div>
      {resumedAt.value !== null && (
        <p class="resumed small" role="status">
          Continued at {clock(resumedAt.value)}. <button type="button" class="link-button" onClick={fromStart}>Start over</button>
        </p>
      )}
      {help && <ShortcutHelp onClose={() => setHelp(false)} />}
    </>
  );
}

function savePosition(picture: HTMLVideoElement, id: string): () => void {
  const abort = new AbortController();
  const { signal } = abort;
  let savedAtMs = 0;
  let begun = false;
  const save = (): void => {
    if (!begun) return;
    savedAtMs = Date.now();
    storePosition(id, picture.currentTime, picture.duration);
  };
  // Before it plays, the position is not the viewer's.
  picture.addEventListener('playing', () => { begun = true; }, { signal });
  picture.addEventListener('timeupdate', () => Date.now() - savedAtMs > SAVE_EVERY_MS && save(), { signal });
  picture.addEventListener('pause', save, { signal });
  addEventListener('pagehide', save, { signal });
  return () => {
    save();
    abort.abort();
  };
}

/** @returns what the last key did, for a moment */
function useKeys(frame: RefObject<HTMLElement>, element: RefObject<HTMLVideoElement>, video: Video, showHelp: () => void): string {
  const [echo, setEcho] = useState('');
  const help = useRef(showHelp);
  help.current = showHelp;
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const onKey = (event: KeyboardEvent): void => {
      const shortcut = shortcutFor(event, focusOf(event.target));
      if (shortcut === null || element.current === null || frame.current === null) return;
      event.preventDefault();
      event.stopPropagation();
      setEcho(shortcut.run({ video: element.current, frame: frame.current, frameSeconds: 1 / (video.frameRate ?? 25), showHelp: () => help.current() }, event.key));
      clearTimeout(timer);
      timer = setTimeout(() => setEcho(''), ECHO_MS);
    };
    // Capture: before the native controls take the same keys.
    document.addEventListener('keydown', onKey, { capture: true });
    return () => {
      clearTimeout(timer);
      document.removeEventListener('keydown', onKey, { capture: true });
    };
  }, [element, frame, video.frameRate]);
  return echo;
}
