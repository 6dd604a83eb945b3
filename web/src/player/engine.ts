/** One way of getting a video into the <video> element. Each reports faults, and is told by the player what to do about them. */
import type { Fault } from './recovery.ts';
import { faultOfStatus } from './recovery.ts';

export interface Engine {
  /** Load on after a lost connection. */
  retry(): void;
  /** Restart the decoder. */
  recover(): void;
  destroy(): void;
}

export type OnFault = (fault: Fault) => void;

/** The file itself, by the browser's own demuxer. Also plays HLS where the browser does so by itself (Safari). */
export function directEngine(video: HTMLVideoElement, url: string, startSeconds: number, onFault: OnFault): Engine {
  const abort = new AbortController();
  const open = (seconds: number): void => {
    video.src = url;
    if (seconds > 0) video.addEventListener('loadedmetadata', () => { video.currentTime = seconds; }, { once: true, signal: abort.signal });
  };
  const reopen = (): void => {
    const wasPlaying = !video.paused;
    open(video.currentTime);
    if (wasPlaying) void video.play().catch(() => {});
  };
  const report = async (): Promise<void> => {
    const fault = await faultOf(video, url, abort.signal);
    if (!abort.signal.aborted) onFault(fault);
  };
  video.addEventListener('error', () => void report(), { signal: abort.signal });
  open(startSeconds);
  return {
    retry: reopen,
    recover: reopen,
    destroy: () => {
      abort.abort();
      video.removeAttribute('src');
      video.load();
    },
  };
}

/** The element says little about why: the server is asked for the rest. */
async function faultOf(video: HTMLVideoElement, url: string, signal: AbortSignal): Promise<Fault> {
  const code = video.error?.code;
  if (code === MediaError.MEDIA_ERR_DECODE) return 'decode';
  if (code === MediaError.MEDIA_ERR_NETWORK) return 'network';
  try {
    const { ok, status } = await fetch(url, { headers: { range: 'bytes=0-0' }, signal, credentials: 'same-origin' });
    return ok ? 'unsupported' : faultOfStatus(status);
  } catch {
    return 'network';
  }
}
