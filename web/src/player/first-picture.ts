/** What can wait until the film's first picture is there: its requests would hold up those of the picture. */
import type { Playback } from '@reelay/contracts';
import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

/** A film that needs longer has other troubles. */
const LATEST_MS = 2_000;

export interface FirstPicture {
  /** Resolves when it is there, or nobody should wait for it any longer; never rejects. */
  readonly passed: Promise<void>;
  readonly pass: () => void;
}

export function useFirstPicture(): FirstPicture {
  const made = useRef<FirstPicture | null>(null);
  made.current ??= firstPicture();
  return made.current;
}

function firstPicture(): FirstPicture {
  const event = new EventTarget();
  return { passed: new Promise((resolve) => event.addEventListener('pass', () => resolve(), { once: true })), pass: () => event.dispatchEvent(new Event('pass')) };
}

/** Lets pass when the element has a picture, or there will be none. */
export function usePassAtPicture(element: RefObject<HTMLVideoElement>, playback: Playback | null, failed: boolean, { pass }: FirstPicture): void {
  useEffect(() => {
    const timer = setTimeout(pass, LATEST_MS);
    return () => clearTimeout(timer);
  }, [pass]);
  useEffect(() => {
    const picture = element.current;
    if (playback === null && !failed) return undefined;
    if (picture === null || picture.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) {
      pass();
      return undefined;
    }
    picture.addEventListener('loadeddata', pass, { once: true });
    return () => picture.removeEventListener('loadeddata', pass);
  }, [element, playback, failed, pass]);
}
