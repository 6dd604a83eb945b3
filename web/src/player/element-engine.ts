/** An address given to the element itself: the file, or HLS where the browser plays it by itself (Safari). */
import type { Engine, OpenOptions } from './engine.ts';
import { readTrouble } from './read-trouble.ts';
import type { Trouble } from './recovery.ts';
import { troubleOf } from './recovery.ts';

const ASK_AFTER_MS = 1500;

export function elementEngine({ video, url, startSeconds, events }: OpenOptions): Engine {
  const abort = new AbortController();
  let place = startSeconds;
  const open = (seconds: number): void => {
    video.src = url;
    if (seconds > 0) video.addEventListener('loadedmetadata', () => { video.currentTime = seconds; }, { once: true, signal: abort.signal });
  };
  const report = (trouble: Trouble): void => {
    if (!abort.signal.aborted) events.onTrouble(trouble);
  };
  /** An element whose address is set anew pauses and goes to the beginning. */
  const reopen = (): void => {
    const wasPlaying = !video.paused;
    open(place);
    if (wasPlaying) void video.play().catch(() => {});
  };
  const retry = async (): Promise<void> => {
    const trouble = await readTrouble(url, abort.signal);
    if (trouble !== null) report(trouble);
    else if (video.error === null && video.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA) events.onData();
    else reopen();
  };
  /** The browser asks again by itself for a while and says nothing of it: the server is asked in its place. */
  let asking: ReturnType<typeof setTimeout> | undefined;
  video.addEventListener('waiting', () => {
    clearTimeout(asking);
    asking = setTimeout(() => {
      if (video.error !== null || video.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA) return;
      void readTrouble(url, abort.signal).then((trouble) => trouble !== null && report(trouble));
    }, ASK_AFTER_MS);
  }, { signal: abort.signal });
  video.addEventListener('error', () => void troubleIn(video, url, abort.signal).then(report), { signal: abort.signal });
  video.addEventListener('timeupdate', () => {
    if (video.error === null && video.readyState > HTMLMediaElement.HAVE_METADATA) place = video.currentTime;
  }, { signal: abort.signal });
  for (const event of ['loadeddata', 'progress'] as const) video.addEventListener(event, () => {
    if (video.error === null && video.readyState > HTMLMediaElement.HAVE_METADATA) events.onData();
  }, { signal: abort.signal });
  open(startSeconds);
  return {
    picks: false,
    retry: () => void retry(),
    restart: reopen,
    setRendition: () => {},
    setAudio: () => {},
    figures: () => ({ bandwidthKbps: null, codecs: null, library: 'the browser' }),
    destroy: () => {
      abort.abort();
      clearTimeout(asking);
      video.removeAttribute('src');
      video.load();
    },
  };
}

/** The element says little about why: the server is asked for the rest. */
async function troubleIn(video: HTMLVideoElement, url: string, signal: AbortSignal): Promise<Trouble> {
  const code = video.error?.code;
  if (code === MediaError.MEDIA_ERR_DECODE) return { fault: 'decode', sentence: null, retryAfterSeconds: null };
  const trouble = await readTrouble(url, signal);
  if (trouble !== null) return trouble;
  return code === MediaError.MEDIA_ERR_NETWORK ? troubleOf(0) : { fault: 'unsupported', sentence: null, retryAfterSeconds: null };
}
