/** Viewers of an HLS stream, each at playing pace with a buffer of 10 s: a stall is the time without a picture. */
import type { Playback } from '@reelay/contracts';
import { pause } from '../kit/eventually.ts';
import type { Randomness } from '../kit/random.ts';
import { ask, type Tally } from './tally.ts';

const BUFFER_MS = 10_000;
/** As a player does after an error. */
const RETRY_MS = 250;

export interface ViewersOptions {
  baseUrl: string;
  token: string;
  playbacks: readonly Playback[];
  count: number;
  tally: Tally;
  random: Randomness;
  stop: AbortSignal;
}

export interface Watched {
  segments: number;
  /** Longest time without a picture, of any viewer. */
  longestStallMs: number;
  /** Stalls of more than 2 s. */
  stalls: number;
}

interface Segment {
  url: string;
  durationMs: number;
}

/** Resolves when `stop` aborts and every viewer has gone. They come within the first five seconds. */
export const watch = async (options: ViewersOptions): Promise<Watched> => {
  const watched: Watched = { segments: 0, longestStallMs: 0, stalls: 0 };
  await Promise.all(Array.from({ length: options.count }, (_, n) => oneViewer(options, n, watched)));
  return watched;
};

const oneViewer = async (options: ViewersOptions, n: number, watched: Watched): Promise<void> => {
  const { playbacks, stop, random } = options;
  const playback = playbacks[n % playbacks.length];
  if (playback?.masterUrl === undefined || playback.masterUrl === null) throw new Error('no stream to play');
  await pause(random.next() * 5_000);
  // The time at which the picture stops unless more arrives; null before the first picture.
  let dryAtMs: number | null = null;
  while (!stop.aborted) {
    for (const segment of await playlistOf(options, playback.masterUrl)) {
      if (stop.aborted) return;
      await fetchSegment(options, segment);
      watched.segments += 1;
      const nowMs = performance.now();
      if (dryAtMs !== null && nowMs > dryAtMs) {
        watched.longestStallMs = Math.max(watched.longestStallMs, Math.round(nowMs - dryAtMs));
        if (nowMs - dryAtMs > 2_000) watched.stalls += 1;
      }
      dryAtMs = Math.max(dryAtMs ?? nowMs, nowMs) + segment.durationMs;
      await pause(Math.max(0, dryAtMs - BUFFER_MS - performance.now()));
    }
  }
};

const fetchSegment = async (options: ViewersOptions, segment: Segment): Promise<void> => {
  while (!options.stop.aborted) {
    if ((await get(options, 'segment', segment.url)) !== null) return;
    await pause(RETRY_MS);
  }
};

const get = async ({ tally, token }: ViewersOptions, kind: string, url: string): Promise<Buffer | null> =>
  (await ask(tally, kind, url, { headers: { authorization: `Bearer ${token}` } }))?.body ?? null;

const lines = (text: Buffer): string[] => text.toString().split('\n').filter((line) => line !== '');

/** Master, then the first rendition; asked for until it is there. */
const playlistOf = async (options: ViewersOptions, masterPath: string): Promise<Segment[]> => {
  for (;;) {
    const masterUrl = new URL(masterPath, options.baseUrl);
    const master = await get(options, 'playlist', masterUrl.href);
    const rendition = master === null ? undefined : lines(master).find((line) => !line.startsWith('#'));
    const mediaUrl = rendition === undefined ? null : new URL(rendition, masterUrl);
    const media = mediaUrl === null ? null : await get(options, 'playlist', mediaUrl.href);
    if (media !== null && mediaUrl !== null) return segmentsOf(lines(media), mediaUrl);
    if (options.stop.aborted) return [];
    await pause(RETRY_MS);
  }
};

const segmentsOf = (playlist: readonly string[], base: URL): Segment[] => {
  const segments: Segment[] = [];
  let durationMs = 0;
  for (const line of playlist) {
    if (line.startsWith('#EXTINF:')) durationMs = Number.parseFloat(line.slice('#EXTINF:'.length)) * 1000;
    else if (!line.startsWith('#')) segments.push({ url: new URL(line, base).href, durationMs });
  }
  return segments;
};
