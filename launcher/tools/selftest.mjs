// A program counts as found only after it has done its work once: versions lie about what was compiled in.
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './run.mjs';

const TIMEOUT_MS = 30_000;

/** @param {import('./run.mjs').RunResult} result */
function reason(result) {
  if (result.spawnError !== null) return result.spawnError === 'ENOENT' ? 'no such file' : result.spawnError;
  const lines = result.stderr.trim().split('\n');
  return (lines.at(-1) || `exit status ${result.code}`).slice(0, 200);
}

/**
 * Encodes one second of H.264 and AAC to fragmented HLS and reads it back (150–440 ms).
 * @param {string} ffmpeg
 * @param {string} ffprobe
 * @returns {Promise<string | null>} null when both work, else why not
 */
export async function testFfmpeg(ffmpeg, ffprobe) {
  const folder = await mkdtemp(join(tmpdir(), 'reelay-selftest-'));
  try {
    const playlist = join(folder, 'index.m3u8');
    const encoded = await run(
      ffmpeg,
      [
        ['-hide_banner', '-nostdin', '-loglevel', 'error'],
        ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000', '-t', '1'],
        ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac'],
        ['-f', 'hls', '-hls_segment_type', 'fmp4', '-hls_playlist_type', 'vod', playlist],
      ].flat(),
      { cwd: folder, timeoutMs: TIMEOUT_MS },
    );
    if (encoded.code !== 0) return `the trial encode failed: ${reason(encoded)}`;
    if (!(await readFile(playlist, 'utf8')).includes('#EXT-X-MAP')) return 'the trial encode made no fragmented MP4';
    if ((await stat(join(folder, 'init.mp4'))).size === 0) return 'the trial encode made an empty file';
    const probed = await run(ffprobe, ['-v', 'error', '-show_entries', 'stream=codec_name', '-of', 'csv=p=0', playlist], { cwd: folder, timeoutMs: TIMEOUT_MS });
    if (probed.code !== 0) return `ffprobe failed: ${reason(probed)}`;
    return probed.stdout.includes('h264') && probed.stdout.includes('aac') ? null : 'ffprobe did not find H.264 and AAC in the trial encode';
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @param {RegExp} expected
 * @returns {Promise<string | null>} null when the answer matches, else why not
 */
export async function testAnswer(program, args, expected) {
  const result = await run(program, args, { timeoutMs: TIMEOUT_MS });
  if (result.code !== 0) return reason(result);
  return expected.test(result.stdout + result.stderr) ? null : `${args.join(' ')} gave an unknown answer`;
}
