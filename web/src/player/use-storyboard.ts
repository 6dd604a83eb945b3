import { useEffect, useState } from 'preact/hooks';
import type { Tile } from './storyboard.ts';
import { parseStoryboard } from './storyboard.ts';

const NONE: readonly Tile[] = [];

const LATER_MS = 4000;

/** The tiles of a storyboard. It is loaded when somebody points at the bar, or a while after the first picture, which needs the connection more. */
export function useStoryboard(url: string | null, hasPicture: boolean, isPointed: boolean): readonly Tile[] {
  const [tiles, setTiles] = useState<readonly Tile[]>(NONE);
  const [wanted, setWanted] = useState(false);
  useEffect(() => setTiles(NONE), [url]);
  useEffect(() => {
    if (wanted || (!hasPicture && !isPointed)) return undefined;
    const timer = setTimeout(() => setWanted(true), isPointed ? 0 : LATER_MS);
    return () => clearTimeout(timer);
  }, [wanted, hasPicture, isPointed]);
  useEffect(() => {
    if (url === null || !wanted) return undefined;
    const abort = new AbortController();
    const load = async (): Promise<void> => {
      try {
        const response = await fetch(url, { signal: abort.signal, credentials: 'same-origin' });
        if (response.ok) setTiles(parseStoryboard(await response.text(), new URL(url, location.href).href));
      } catch {
        // The bar shows the time alone.
      }
    };
    void load();
    return () => abort.abort();
  }, [url, wanted]);
  return tiles;
}
