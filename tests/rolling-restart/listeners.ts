/** Browsers that listen to live events and come back after each break with the last id they heard. */
import { pause } from '../kit/eventually.ts';
import type { Tally } from './tally.ts';

export interface ListenersOptions {
  baseUrl: string;
  token: string;
  count: number;
  tally: Tally;
  stop: AbortSignal;
}

export interface Heard {
  /** The id that the first hello named. */
  from: string | null;
  /** Ids of the events, in the order they came. */
  ids: string[];
  connects: number;
  /** Streams that broke off without `moving`. */
  broken: number;
  resets: number;
}

/** Resolves when `stop` aborts, with what each one heard. */
export const listen = (options: ListenersOptions): Promise<Heard[]> => Promise.all(Array.from({ length: options.count }, () => oneListener(options)));

const oneListener = async (options: ListenersOptions): Promise<Heard> => {
  const heard: Heard = { from: null, ids: [], connects: 0, broken: 0, resets: 0 };
  let lastId: string | null = null;
  while (!options.stop.aborted) {
    const retry = { ms: 500, moving: false };
    lastId = await oneStream(options, heard, lastId, retry);
    if (options.stop.aborted) break;
    if (!retry.moving) heard.broken += 1;
    await pause(retry.ms);
  }
  return heard;
};

/** Reads one stream to its end; answers the last id. */
const oneStream = async ({ baseUrl, token, tally, stop }: ListenersOptions, heard: Heard, resumeId: string | null, retry: { ms: number; moving: boolean }): Promise<string | null> => {
  let lastId = resumeId;
  const startedMs = performance.now();
  try {
    const response = await fetch(`${baseUrl}/api/media/events`, { headers: { authorization: `Bearer ${token}`, ...(lastId === null ? {} : { 'last-event-id': lastId }) }, signal: stop });
    if (response.status !== 200 || response.body === null) {
      tally.failed('events', `${response.status} ${(await response.text()).slice(0, 100)}`);
      return lastId;
    }
    tally.ok('events', performance.now() - startedMs);
    heard.connects += 1;
    for await (const { event, id, text } of blocksOf(response.body)) {
      if (id !== '') lastId = id;
      if (event === 'hello') {
        const { id: here } = JSON.parse(field(text, 'data')) as { id: string };
        heard.from ??= here;
        lastId ??= here;
      } else if (event === 'moving') {
        retry.ms = (JSON.parse(field(text, 'data')) as { retryMs: number }).retryMs;
        retry.moving = true;
      } else if (event === 'reset') heard.resets += 1;
      else if (id !== '' && event !== '') heard.ids.push(id);
    }
  } catch (error) {
    if (!stop.aborted) tally.failed('events', String(error instanceof Error ? (error.cause ?? error.message) : error));
  }
  return lastId;
};

const field = (text: string, name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1] ?? '';

/** Events without their data: hundreds of listeners share this process. */
async function* blocksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<{ event: string; id: string; text: string }> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const text of blocks) yield { event: field(text, 'event'), id: field(text, 'id'), text };
  }
}
