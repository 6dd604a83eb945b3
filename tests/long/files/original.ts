/** What ffmpeg shows of a file: each picture and each packet of sound, with its time and a checksum. */
import { FFMPEG, tool, ToolFailed } from './tools.ts';

export interface Shown {
  /** On the file's own clock. */
  readonly seconds: number;
  readonly hash: string;
}

export interface Listing {
  readonly list: readonly Shown[];
  /** What the decoder said. */
  readonly complaints: string;
}

const LIMIT_MS = 60_000;

async function framecrc(args: readonly string[]): Promise<Listing> {
  let result: { stdout: Buffer; stderr: string };
  try {
    result = await tool(FFMPEG, ['-nostdin', '-v', 'error', ...args, '-f', 'framecrc', '-'], { limitMs: LIMIT_MS });
  } catch (error) {
    if (error instanceof ToolFailed && error.exit !== null) return { list: [], complaints: error.stderr };
    throw error;
  }
  let tick = 1;
  const list: Shown[] = [];
  for (const line of result.stdout.toString().split('\n')) {
    const base = /^#tb 0: (\d+)\/(\d+)/.exec(line);
    if (base) tick = Number(base[1]) / Number(base[2]);
    const [stream, , pts, , , hash] = line.split(',').map((field) => field.trim());
    if (stream === '0' && hash !== undefined) list.push({ seconds: Number(pts) * tick, hash });
  }
  return { list, complaints: result.stderr };
}

/** Every picture, in the order in which they are shown. */
export const picturesOf = (path: string, stream: number): Promise<Listing> =>
  framecrc(['-copyts', '-noautorotate', '-i', path, '-map', `0:${stream}`, '-fps_mode', 'passthrough', '-enc_time_base', '-1']);

/** Every packet of sound, as it goes into MP4. */
export const packetsOf = (path: string, stream: number, adts: boolean): Promise<Listing> =>
  framecrc(['-copyts', '-i', path, '-map', `0:${stream}`, '-c', 'copy', ...(adts ? ['-bsf:a', 'aac_adtstoasc'] : []), '-avoid_negative_ts', 'disabled']);

/** Whether sound can be decoded without a complaint. */
export async function soundComplaints(path: string): Promise<string> {
  try {
    return (await tool(FFMPEG, ['-nostdin', '-v', 'error', '-i', path, '-map', '0:a', '-f', 'null', '-'], { limitMs: LIMIT_MS })).stderr;
  } catch (error) {
    return error instanceof ToolFailed ? error.message : String(error);
  }
}

/** Frames of MP3, one behind the other. */
export const bareMp3 = async (path: string, stream: number): Promise<Buffer> =>
  (await tool(FFMPEG, ['-nostdin', '-v', 'error', '-i', path, '-map', `0:${stream}`, '-c', 'copy', '-f', 'mp3', '-write_xing', '0', '-id3v2_version', '0', '-write_id3v1', '0', '-'])).stdout;
