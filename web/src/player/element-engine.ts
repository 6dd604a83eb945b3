/** An address given to the element itself: the file, or HLS where the browser plays it by itself (Safari). */
import type { Engine, OpenOptions } from './engine.ts';
import { readTrouble } from './read-trouble.ts';
import type { Trouble } from './recovery.ts';
import { troubleOf } from './recovery.ts';

const ASK_AFTER_MS = 1500;

export function elementEngine({ video, url, startSeconds, events }: OpenOptions): Engine {
  const abort = new AbortController();
  const viewer = viewerOf(video, startSeconds, abort.signal);
  const open = (seconds: number): void => {
    video.src = url;
    if (seconds > 0) video.addEventListener('loadedmetadata', () => { video.currentTime = seconds; }, { once: true, signal: abort.signal });
  };
  const report = (trouble: Trouble): void => {
    if (abort.signal.aborted) return;
    // A signed address whose time is over says nothing of the viewer: there is another one.
    events.onTrouble(trouble.fault === 'signed-out' && url.startsWith('/s/') ? { ...trouble, fault: 'gone' } : trouble);
  };
  /** An element whose address is set anew pauses and goes to the beginning. */
  const reopen = (): void => {
    open(viewer.seconds);
    if (viewer.wantsPlaying) void video.play().catch(() => {});
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
  video.addEventListener('error', () => void troubleIn(video, url, viewer.hasSeen, abort.signal).then(report), { signal: abort.signal });
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

/** Where the viewer is and whether they want it to play: an element that failed forgets both. */
function viewerOf(video: HTMLVideoElement, startSeconds: number, signal: AbortSignal): { seconds: number; wantsPlaying: boolean; hasSeen: boolean } {
  const viewer = { seconds: startSeconds, wantsPlaying: !video.paused, hasSeen: false };
  for (const event of ['play', 'pause'] as const) video.addEventListener(event, () => {
    if (video.error === null) viewer.wantsPlaying = event === 'play';
  }, { signal });
  video.addEventListener('timeupdate', () => {
    if (video.error !== null || video.readyState <= HTMLMediaElement.HAVE_METADATA) return;
    viewer.seconds = video.currentTime;
    viewer.hasSeen = true;
  }, { signal });
  // Where they jumped to counts although nothing of it can be seen.
  video.addEventListener('seeking', () => {
    viewer.seconds = video.currentTime;
  }, { signal });
  return viewer;
}

/** The element says little about why: the server is asked for the rest. Of a playlist that has played, it is a segment that does not come. */
async function troubleIn(video: HTMLVideoElement, url: string, hasSeen: boolean, signal: AbortSignal): Promise<Trouble> {
  const code = video.error?.code;
  if (code === MediaError.MEDIA_ERR_DECODE) return { fault: 'decode', sentence: null, retryAfterSeconds: null };
  const trouble = await readTrouble(url, signal);
  if (trouble !== null) return trouble;
  return code === MediaError.MEDIA_ERR_NETWORK || (hasSeen && url.endsWith('.m3u8')) ? troubleOf(0) : { fault: 'unsupported', sentence: null, retryAfterSeconds: null };
}
