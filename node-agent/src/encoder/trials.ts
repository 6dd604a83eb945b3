import { access } from 'node:fs/promises';
import type { DeviceReport, EncoderTrial } from '@reelay/contracts';
import { type Ctx, diagnose, type Logger } from '@reelay/runtime';
import { runTool, type Supervisor } from '@reelay/runtime/supervisor';
import { type Candidate, encoderCandidates } from './candidates.ts';

export interface TrialOptions {
  supervisor: Supervisor;
  ffmpegPath: string;
  logger: Logger;
}

const TRIAL_LIMIT_MS = 10_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;

/** Tries every encoder that this host might have, all at the same time. Compiled in means nothing: only encoding shows it. */
export async function tryEncoders(ctx: Ctx, devices: readonly DeviceReport[], options: TrialOptions): Promise<EncoderTrial[]> {
  const hasDri = await access('/dev/dri').then(() => true, () => false);
  const trials = await Promise.all(encoderCandidates(devices, hasDri).map((candidate) => tryOne(ctx, candidate, options)));
  for (const trial of trials) options.logger.info({ ...trial }, 'encoder tried');
  return trials;
}

async function tryOne(ctx: Ctx, { encoder, deviceId, skipped, args }: Candidate, { supervisor, ffmpegPath }: TrialOptions): Promise<EncoderTrial> {
  if (skipped !== null) return { encoder, deviceId, ok: false, reason: skipped };
  const { exit, stderrTail } = await runTool(ctx, supervisor, {
    name: `trial of ${encoder}`, argv0: ffmpegPath, args: ['-nostdin', '-hide_banner', '-v', 'error', ...args], maxOutputBytes: MAX_OUTPUT_BYTES, limitMs: TRIAL_LIMIT_MS,
  });
  const ok = exit.kind === 'code' && exit.code === 0;
  return { encoder, deviceId, ok, reason: ok ? null : diagnose(stderrTail, exit).message.slice(0, 500) };
}

/** The first line of `ffmpeg -version`; null when it does not run. */
export async function ffmpegVersion(ctx: Ctx, { supervisor, ffmpegPath }: TrialOptions): Promise<string | null> {
  const { exit, stdout } = await runTool(ctx, supervisor, { name: 'ffmpeg version', argv0: ffmpegPath, args: ['-version'], maxOutputBytes: MAX_OUTPUT_BYTES, limitMs: TRIAL_LIMIT_MS });
  if (exit.kind !== 'code' || exit.code !== 0) return null;
  return stdout.split('\n', 1)[0]?.replace(/^ffmpeg version /, '').split(' ', 1)[0]?.slice(0, 100) ?? null;
}

/** Whether ffmpeg has a filter, such as `zscale` for tone mapping. */
export async function hasFilter(ctx: Ctx, { supervisor, ffmpegPath }: TrialOptions, filter: string): Promise<boolean> {
  const { exit, stdout } = await runTool(ctx, supervisor, { name: 'ffmpeg filters', argv0: ffmpegPath, args: ['-hide_banner', '-filters'], maxOutputBytes: MAX_OUTPUT_BYTES, limitMs: TRIAL_LIMIT_MS });
  return exit.kind === 'code' && exit.code === 0 && stdout.split('\n').some((line) => line.trim().split(/\s+/)[1] === filter);
}
