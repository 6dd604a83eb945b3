import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type InputFile, mainStream, type MediaInfo } from '@reelay/contracts';
import { type Execute, JobFailed, type JobRun } from '../agent-types.ts';
import { claimedSeconds, probeMedia } from '../media-probe.ts';
import { fileUrl, onlyInput, onlyOutput } from '../order-files.ts';
import { encoderArgs } from './encoder-args.ts';
import { alreadyReady } from './ready.ts';
import { type ReencodeOrder, reencodeOrder, type ReencodeResult } from './result.ts';
import { verifyEncoded } from './verify.ts';

const SOFTWARE_ENCODER = 'libx264';
/** How a GPU encoder fails when it is opened: worth one try in software. */
const ENCODER_FAILURES: ReadonlySet<string> = new Set(['encoder_failed', 'encoder_missing', 'gpu_unavailable', 'gpu_out_of_memory', 'option_unsupported', 'ffmpeg_failed']);

/** Encodes a video as H.264 and AAC in MP4, checks the result against the source, and reports it. */
export const executeReencode: Execute = async (run) => {
  const order = reencodeOrder.parse(run.order.order);
  const input = onlyInput(run);
  const output = onlyOutput(run);
  run.log('Starting re-encode job');
  if (input.sizeBytes === 0) throw new JobFailed('file_empty', 'The file is empty.', false);
  const from = await run.input(input.name);
  run.log(`Input: ${from}`);
  run.log(`Output: ${run.libraryRoot === null ? output.path : join(run.libraryRoot, output.path)}`);
  const source = await describeSource(run, order, input, from);
  const ready = order.skipIfReady ? alreadyReady(source, order.targetBitrate) : null;
  if (ready !== null) {
    run.log(`Skipped: ${ready}`);
    return done({ kind: 'skipped', reason: ready }, []);
  }
  const to = await run.output(output.name);
  const encoder = await encode(run, order, source, from, to);
  run.progress({ percent: 98, phase: 'checking', message: 'Checking the encoded file' });
  const media = await verifyEncoded(run, to, source);
  const produced = await run.produced(output.name);
  run.progress({ percent: 100, phase: 'checking', message: 'Encoded and checked' });
  run.log('Re-encode completed successfully');
  run.log(`Output file size: ${(produced.sizeBytes / 1e6).toFixed(1)} MB`);
  return done({ kind: 'encoded', media, encoder }, [produced]);
};

const done = (result: ReencodeResult, files: { name: string; sizeBytes: number }[]) => ({ files, result });

async function describeSource(run: JobRun, { probed }: ReencodeOrder, input: InputFile, path: string): Promise<MediaInfo> {
  const isSame = probed?.sizeBytes === input.sizeBytes && probed.mtimeMs === input.mtimeMs;
  const source = isSame ? probed.media : await probeSource(run, path, input.sizeBytes);
  if (!mainStream(source, 'video')) throw new JobFailed('no_video', 'The file has no video to encode.', false);
  return source;
}

async function probeSource(run: JobRun, path: string, sizeBytes: number): Promise<MediaInfo> {
  run.progress({ percent: 0, phase: 'probing', message: 'Reading the source' });
  const probed = await probeMedia(run, path, sizeBytes);
  if (probed.kind === 'unreadable') throw new JobFailed('invalid_data', probed.reason, false);
  return probed.media;
}

/** Encodes with the node's encoder, and once more in software when that one cannot be opened. Answers which one did it. */
async function encode(run: JobRun, order: ReencodeOrder, source: MediaInfo, from: string, to: string): Promise<string> {
  let encoder = run.encoder;
  run.log(`Encoder: ${encoder}`);
  try {
    await runEncoder(run, order, source, from, to, encoder);
  } catch (error) {
    if (encoder === SOFTWARE_ENCODER || !(error instanceof JobFailed) || !ENCODER_FAILURES.has(error.code)) throw error;
    run.log(`${encoder} could not be used (${error.message}); encoding with ${SOFTWARE_ENCODER} instead`);
    encoder = SOFTWARE_ENCODER;
    await rm(to, { force: true });
    await runEncoder(run, order, source, from, to, encoder);
  }
  return encoder;
}

function runEncoder(run: JobRun, order: ReencodeOrder, source: MediaInfo, from: string, to: string, encoder: string): Promise<void> {
  const args = reencodeArgs(order, source, from, to, encoder, run.gpuIndex);
  return run.ffmpeg({ args, durationSeconds: claimedSeconds(source) ?? order.durationSeconds, from: 0, to: 98, phase: 'encoding' });
}

/** All arguments from the input on; the common ones come from the runner. */
export function reencodeArgs(order: ReencodeOrder, source: MediaInfo, from: string, to: string, encoder: string, gpuIndex: number | null): string[] {
  const video = mainStream(source, 'video');
  const audio = mainStream(source, 'audio');
  const { global, filters, codec } = encoderArgs(encoder, order, gpuIndex);
  const picture = [...(video?.interlaced ? ['yadif=deint=interlaced'] : []), 'scale=trunc(iw/2)*2:trunc(ih/2)*2', ...filters];
  const sound = audio ? ['-map', `0:${audio.index}`, '-c:a', 'aac', '-b:a', '128k', ...((audio.channels ?? 2) > 2 ? ['-ac', '2'] : [])] : [];
  return [
    ...global, '-i', fileUrl(from), '-map', `0:${video?.index ?? 0}`, ...codec, '-vf', picture.join(','), ...sound,
    // Sparse sound and late first pictures overflow the default queue of 128 packets.
    '-sn', '-dn', '-max_muxing_queue_size', '4096', '-movflags', '+faststart', '-f', 'mp4', fileUrl(to),
  ];
}
