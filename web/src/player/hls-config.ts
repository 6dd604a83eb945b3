/** How hls.js is set. Retrying is this player's own (recovery.ts): hls.js only ever reports. */
import type { HlsConfig, LoadPolicy } from 'hls.js';

/** An encoded segment is held for up to 8.5 s before the gateway says that it is not there yet. */
const FIRST_BYTE_MS = 12_000;
const WHOLE_MS = 60_000;

/** Said to be retried, so that hls.js blames no rendition for what the network did; the retry itself is stopped by the engine. */
const RETRY = { maxNumRetry: 1, retryDelayMs: 60_000, maxRetryDelayMs: 60_000, shouldRetry: () => true };
const policy: LoadPolicy = { default: { maxTimeToFirstByteMs: FIRST_BYTE_MS, maxLoadTimeMs: WHOLE_MS, timeoutRetry: RETRY, errorRetry: RETRY } };
const manifestPolicy: LoadPolicy = { default: { ...policy.default, timeoutRetry: null, errorRetry: null } };

/** Options for an address whose renditions are made while somebody watches, or cut from a file. */
export const hlsOptions: Partial<HlsConfig> = {
  autoStartLoad: false,
  // Not to wait for the element, which takes up to 0.1 s to be ready.
  startFragPrefetch: true,
  // Before the first segment is there: enough for the rung to begin with.
  abrEwmaDefaultEstimate: 2_000_000,
  maxBufferLength: 30,
  backBufferLength: 60,
  preserveManualLevelOnError: true,
  fragLoadPolicy: policy,
  playlistLoadPolicy: policy,
  manifestLoadPolicy: manifestPolicy,
  lowLatencyMode: false,
  enableInterstitialPlayback: false,
  enableDateRangeMetadataCues: false,
  enableEmsgMetadataCues: false,
  enableID3MetadataCues: false,
  // Subtitles are whole files beside the video: the same for every source, whichever engine plays it.
  enableWebVTT: false,
  enableIMSC1: false,
  enableCEA708Captions: false,
};
