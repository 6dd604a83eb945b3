import { storePosition } from './resume.ts';

const SAVE_EVERY_MS = 5000;

/** Remembers where the viewer is, from the first picture that plays. @returns ends it, with a last look */
export function keepPlace(picture: HTMLVideoElement, id: string): () => void {
  const abort = new AbortController();
  const { signal } = abort;
  let savedAtMs = 0;
  let begun = false;
  const save = (): void => {
    // Before it plays, and while the address changes, the position is not the viewer's.
    if (!begun || picture.readyState < HTMLMediaElement.HAVE_METADATA) return;
    savedAtMs = Date.now();
    storePosition(id, picture.currentTime, picture.duration);
  };
  picture.addEventListener('playing', () => { begun = true; }, { signal });
  picture.addEventListener('timeupdate', () => Date.now() - savedAtMs > SAVE_EVERY_MS && save(), { signal });
  picture.addEventListener('pause', save, { signal });
  addEventListener('pagehide', save, { signal });
  return () => {
    save();
    abort.abort();
  };
}
