/** Pictures for the seek bar: WebVTT whose cues name a part of a picture (`sprite.jpg#xywh=x,y,w,h`). */
export interface Tile {
  readonly startSeconds: number;
  readonly endSeconds: number;
  /** Absolute address of the picture that holds the tile. */
  readonly url: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const TIMING = /^\s*((?:\d+:)?\d{1,2}:\d{1,2}(?:\.\d+)?)\s+-->\s+((?:\d+:)?\d{1,2}:\d{1,2}(?:\.\d+)?)/;
const PART = /#xywh=(?:pixel:)?(\d+),(\d+),(\d+),(\d+)$/;

/** The tiles in the order of time; what is no tile is left out. `base`: the address of the file, which the pictures are relative to. */
export function parseStoryboard(text: string, base: string): Tile[] {
  const tiles: Tile[] = [];
  let times: readonly [number, number] | null = null;
  for (const line of text.split(/\r\n|\n|\r/)) {
    const timing = TIMING.exec(line);
    if (timing !== null) {
      times = [secondsOf(timing[1] ?? ''), secondsOf(timing[2] ?? '')];
    } else if (times !== null && line.trim() !== '') {
      const tile = tileOf(line.trim(), times, base);
      if (tile !== null) tiles.push(tile);
      times = null;
    }
  }
  return tiles.toSorted((a, b) => a.startSeconds - b.startSeconds);
}

/** The tile of a time: the last one that has begun; null before the first. */
export function tileAt(tiles: readonly Tile[], seconds: number): Tile | null {
  let low = 0;
  let high = tiles.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((tiles[middle]?.startSeconds ?? 0) <= seconds) low = middle + 1;
    else high = middle;
  }
  return tiles[low - 1] ?? null;
}

const secondsOf = (text: string): number => text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);

function tileOf(payload: string, [startSeconds, endSeconds]: readonly [number, number], base: string): Tile | null {
  const part = PART.exec(payload);
  if (part === null || !URL.canParse(payload, base)) return null;
  const url = new URL(payload, base);
  url.hash = '';
  const [x = 0, y = 0, width = 0, height = 0] = part.slice(1).map(Number);
  return width > 0 && height > 0 ? { startSeconds, endSeconds, url: url.href, x, y, width, height } : null;
}
