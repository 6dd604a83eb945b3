/** One report of `ffmpeg -progress`. Values that ffmpeg does not know yet are null. */
export interface FfmpegProgress {
  /** Position in the output, in milliseconds. */
  outTimeMs: number | null;
  frame: number | null;
  /** Frames encoded per second. */
  fps: number | null;
  /** Media seconds per second of work. */
  speed: number | null;
  totalSizeBytes: number | null;
  /** True in the last report. */
  done: boolean;
}

const MAX_LINE_CHARS = 4_096;

function finite(text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number.parseFloat(text);
  return Number.isFinite(value) ? value : null;
}

function toProgress(block: ReadonlyMap<string, string>): FfmpegProgress {
  // out_time_ms holds microseconds as well, in every version of ffmpeg.
  const outTimeUs = finite(block.get('out_time_us') ?? block.get('out_time_ms'));
  return {
    outTimeMs: outTimeUs === null ? null : Math.max(0, outTimeUs / 1000),
    frame: finite(block.get('frame')),
    fps: finite(block.get('fps')),
    speed: finite(block.get('speed')),
    totalSizeBytes: finite(block.get('total_size')),
    done: block.get('progress') === 'end',
  };
}

/**
 * Reads the key=value lines of `ffmpeg -progress`; a block ends with the line `progress=continue|end`.
 * Feed it chunks as they come; it returns the reports that they completed. A line beyond 4 KB is dropped.
 */
export class ProgressParser {
  #rest = '';
  #block = new Map<string, string>();

  push(chunk: string): FfmpegProgress[] {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > MAX_LINE_CHARS) this.#rest = '';
    const reports: FfmpegProgress[] = [];
    for (const line of lines) {
      const report = this.#line(line);
      if (report) reports.push(report);
    }
    return reports;
  }

  #line(line: string): FfmpegProgress | null {
    const equals = line.indexOf('=');
    if (equals <= 0) return null;
    const key = line.slice(0, equals).trim();
    this.#block.set(key, line.slice(equals + 1).trim());
    if (key !== 'progress') return null;
    const report = toProgress(this.#block);
    this.#block = new Map();
    return report;
  }
}

/** All reports of a whole text. */
export function parseProgress(text: string): FfmpegProgress[] {
  return new ProgressParser().push(text.endsWith('\n') ? text : `${text}\n`);
}
