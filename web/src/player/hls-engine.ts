/** Segments by hls.js. This module is loaded only when a video is played this way: it is three quarters of the client. */
import type { ErrorData } from 'hls.js';
import HlsPlayer, { ErrorDetails, ErrorTypes, Events } from 'hls.js';
import type { Engine, OnFault } from './engine.ts';
import type { Fault } from './recovery.ts';
import { faultOfStatus } from './recovery.ts';

// oxlint-disable-next-line import/no-named-as-default-member -- the named export has no type
export const hlsWorks = (): boolean => HlsPlayer.isSupported();

export function hlsEngine(video: HTMLVideoElement, url: string, startSeconds: number, onFault: OnFault): Engine {
  const hls = new HlsPlayer({ startPosition: startSeconds > 0 ? startSeconds : -1, maxBufferLength: 30, backBufferLength: 60 });
  let loaded = false;
  hls.on(Events.MANIFEST_PARSED, () => {
    loaded = true;
  });
  hls.on(Events.ERROR, (_event, error) => {
    // What is not fatal hls.js mends by itself.
    if (error.fatal) onFault(faultOf(error));
  });
  hls.loadSource(url);
  hls.attachMedia(video);
  return {
    retry: () => {
      if (loaded) hls.startLoad();
      else hls.loadSource(url);
    },
    recover: () => {
      hls.recoverMediaError();
      void video.play().catch(() => {});
    },
    destroy: () => hls.destroy(),
  };
}

function faultOf({ type, response, details }: ErrorData): Fault {
  if (type === ErrorTypes.NETWORK_ERROR) return response?.code === undefined || response.code < 400 ? 'network' : faultOfStatus(response.code);
  if (details === ErrorDetails.MANIFEST_INCOMPATIBLE_CODECS_ERROR || details === ErrorDetails.BUFFER_ADD_CODEC_ERROR) return 'unsupported';
  return 'decode';
}
