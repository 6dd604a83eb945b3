/** Statistics over the picture: read anew while they are open, and not at all otherwise. */
import type { StreamStats } from '@reelay/contracts';
import { useEffect, useState } from 'preact/hooks';
import { api } from '../api.ts';
import { Icon } from '../components/icon.tsx';
import type { Deck } from './deck.ts';
import { bufferedAhead } from './element-state.ts';
import { isEncoded } from './sources.ts';
import type { StatsFacts } from './stats.ts';
import { statsRows } from './stats.ts';

const LOOK_MS = 500;
const ASK_MS = 2000;

export function StatsView({ deck }: { deck: Deck }) {
  const { player } = deck;
  const streams = useStreams(deck.video.id, isEncoded(player.playback.value, player.source.value));
  const [, setLooks] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setLooks((looks) => looks + 1), LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <section class="stats" aria-label="Statistics">
      <button type="button" class="player-button" aria-label="Close the statistics" onClick={() => deck.say(deck.toggleStats())}><Icon name="cross" size={16} /></button>
      <dl>{statsRows(factsOf(deck, streams)).map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
    </section>
  );
}

function factsOf({ element, player, watched }: Deck, streams: readonly StreamStats[] | null): StatsFacts {
  const quality = element.getVideoPlaybackQuality();
  return {
    playback: player.playback.value, source: player.source.value, fellBack: player.fellBack.value, quality: player.quality.value, rendition: player.rendition.value, streams,
    width: element.videoWidth, height: element.videoHeight, bufferSeconds: bufferedAhead(watched.buffered.value, element.currentTime),
    decodedFrames: quality.totalVideoFrames - quality.droppedVideoFrames, droppedFrames: quality.droppedVideoFrames, figures: player.figures(),
  };
}

/** What the gateway says of the encode; null until it has. A tab in the background does not ask. */
function useStreams(videoId: string, wanted: boolean): readonly StreamStats[] | null {
  const [streams, setStreams] = useState<readonly StreamStats[] | null>(null);
  useEffect(() => {
    setStreams(null);
    if (!wanted) return undefined;
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      try {
        if (!document.hidden) setStreams((await api.streamStats(videoId, abort.signal)).data);
      } catch {
        setStreams(null);
      }
      if (!abort.signal.aborted) timer = setTimeout(() => void ask(), ASK_MS);
    };
    void ask();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [videoId, wanted]);
  return streams;
}
