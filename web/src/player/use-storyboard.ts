import { useEffect, useState } from 'preact/hooks';
import type { Tile } from './storyboard.ts';
import { parseStoryboard } from './storyboard.ts';

const NONE: readonly Tile[] = [];

/** The tiles of a storyboard, loaded when `wanted`: after the first picture, which needs the connection more. None where there is none. */
export function useStoryboard(url: string | null, wanted: boolean): readonly Tile[] {
  const [tiles, setTiles] = useState<readonly Tile[]>(NONE);
  useEffect(() => setTiles(NONE), [url]);
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
