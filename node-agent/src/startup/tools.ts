import { type Ctx, EXIT_CODES, ReelayError } from '@reelay/runtime';
import { runTool, type Supervisor, type ToolResult } from '@reelay/runtime/supervisor';

/** ffmpeg or ffprobe cannot do what jobs need. */
class ToolUnusable extends ReelayError {
  readonly code = 'tool_unusable';
  override readonly serviceExit = EXIT_CODES.configuration;
}

export interface ToolPaths {
  FFMPEG_PATH: string;
  FFPROBE_PATH: string;
}

/** `-stats_period`, by which jobs report their progress. */
const OLDEST = { major: 4, minor: 4 };
const LIMIT_MS = 20_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;
const H264_ENCODER = /^\s*V\S*\s+(libx264|libopenh264|h264_\w+)\s/m;
const AAC_ENCODER = /^\s*A\S*\s+(aac|libfdk_aac)\s/m;

/** Looks whether ffmpeg and ffprobe are there, new enough, and can encode H.264 and AAC. @throws ToolUnusable */
export async function checkTools(ctx: Ctx, supervisor: Supervisor, paths: ToolPaths): Promise<void> {
  await Promise.all([
    checkVersion(ctx, supervisor, 'ffmpeg', 'FFMPEG_PATH', paths.FFMPEG_PATH),
    checkVersion(ctx, supervisor, 'ffprobe', 'FFPROBE_PATH', paths.FFPROBE_PATH),
  ]);
  const { stdout } = await run(ctx, supervisor, 'ffmpeg encoders', paths.FFMPEG_PATH, ['-hide_banner', '-encoders']);
  const missing = [...(H264_ENCODER.test(stdout) ? [] : ['H.264 (libx264)']), ...(AAC_ENCODER.test(stdout) ? [] : ['AAC'])];
  if (missing.length > 0) throw new ToolUnusable(`${paths.FFMPEG_PATH} was built without an encoder for ${missing.join(' and ')}; install a complete ffmpeg, or set FFMPEG_PATH to one`, { missing });
}

async function checkVersion(ctx: Ctx, supervisor: Supervisor, name: string, setting: string, path: string): Promise<void> {
  const { exit, stdout, stderrTail } = await run(ctx, supervisor, `${name} version`, path, ['-version']);
  const fix = `install ffmpeg ${OLDEST.major}.${OLDEST.minor} or newer, or set ${setting} to it`;
  if (exit.kind === 'spawnError' || (exit.kind === 'code' && exit.code === 127)) throw new ToolUnusable(`${path} was not found; ${fix}`, { path });
  if (exit.kind !== 'code' || exit.code !== 0) {
    const words = stderrTail.trim().split('\n').at(-1) ?? '';
    throw new ToolUnusable(`${path} does not run (${exit.kind === 'code' ? `exit code ${exit.code}` : exit.kind}${words === '' ? '' : `: ${words}`}); ${fix}`, { path });
  }
  // Builds from the repository have a date or a hash for a version: they are newer than any release.
  const [, major, minor] = /^\S+ version n?(\d{1,2})\.(\d+)/.exec(stdout) ?? [];
  if (major === undefined || minor === undefined) return;
  const isOld = Number(major) < OLDEST.major || (Number(major) === OLDEST.major && Number(minor) < OLDEST.minor);
  if (isOld) throw new ToolUnusable(`${path} is version ${major}.${minor}; ${fix}`, { path });
}

function run(ctx: Ctx, supervisor: Supervisor, name: string, argv0: string, args: string[]): Promise<ToolResult> {
  return runTool(ctx, supervisor, { name, argv0, args, maxOutputBytes: MAX_OUTPUT_BYTES, limitMs: LIMIT_MS });
}
