/** What is encoded for viewers, of all gateways: loaded once, then kept current by live events. */
import { signal } from '@preact/signals';
import type { Stream } from '@reelay/contracts';
import { api } from '../api.ts';
import { liveState, onLive } from '../live/live.ts';
import { afterNews } from '../model/streams.ts';
import type { Loaded } from './use-load.ts';
import { useLoad, useReloadOn } from './use-load.ts';
import { usePoll } from './use-poll.ts';

/** Null until the first answer. */
export const streams = signal<readonly Stream[] | null>(null);
/** How long the streams run is not told by events; and without a connection to them, everything is asked for. */
const QUIET_MS = 30_000;
const POLL_MS = 3_000;

let changes = 0;

onLive((news) => {
  if (news.event !== 'stream' && news.event !== 'streams' && news.event !== 'stream-ended') return;
  changes += 1;
  if (streams.peek() !== null || news.event === 'streams') streams.value = afterNews(streams.peek() ?? [], news);
});

/** Keeps `streams` current while the component is there. */
export function useStreams(): Loaded<unknown> {
  const list = useLoad('streams', async (abort) => {
    const before = changes;
    const { data } = await api.streams(abort);
    // What was told meanwhile is newer.
    if (before === changes || streams.peek() === null) streams.value = data;
  });
  useReloadOn(list.reload, () => false);
  usePoll(list, liveState.value === 'live' ? QUIET_MS : POLL_MS);
  return list;
}
