import {
  buildPacketIndex, encodePacketIndex, FFPROBE_PACKET_ARGS, idrProbeArgs, markIdrPackets, type MediaInfo, needsIdrProbe, type PacketIndex, toBase64,
} from '@reelay/contracts';
import { JobFailed, type JobRun } from '../agent-types.ts';
import { LineChannel } from '../line-channel.ts';
import { isFaultOfFile } from '../media-probe.ts';
import { fileUrl } from '../order-files.ts';
import { markNewSoundConfigs, needsSoundConfigs } from './sound-configs.ts';

/** Raw bytes of one part of the index; as base64 in JSON it stays below the hub's 512 KB. */
const PART_BYTES = 350_000;
/** One line in so many is looked at for the position in the file. */
const PROGRESS_LINES = 2_000;

export type ReadIndex = { kind: 'index'; index: PacketIndex } | { kind: 'unreadable'; reason: string };

/** Reads every packet of a file and marks where a segment may begin. Progress runs from 10 to `toPercent`. @throws JobFailed */
export async function readPacketIndex(run: JobRun, path: string, media: MediaInfo, sizeBytes: number, toPercent: number): Promise<ReadIndex> {
  const middle = 10 + (toPercent - 10) * 0.6;
  try {
    const index = await listPackets(run, path, media, sizeBytes, middle);
    for (const stream of media.streams.filter(needsIdrProbe)) {
      await markStarts(run, path, media, index, stream.index, { from: middle, to: toPercent });
    }
    if (needsSoundConfigs(media)) await markNewSoundConfigs(path, media, index);
    return { kind: 'index', index };
  } catch (error) {
    if (error instanceof JobFailed && isFaultOfFile(error.code)) return { kind: 'unreadable', reason: error.message };
    throw error;
  }
}

async function listPackets(run: JobRun, path: string, media: MediaInfo, sizeBytes: number, toPercent: number): Promise<PacketIndex> {
  const lines = new LineChannel();
  let count = 0;
  const onLine = (line: string): void => {
    lines.push(line);
    count += 1;
    if (count % PROGRESS_LINES !== 0) return;
    const position = Number(/pos=(\d+)/.exec(line)?.[1] ?? 0);
    const percent = 10 + (toPercent - 10) * Math.min(1, position / sizeBytes);
    run.progress({ percent, phase: 'indexing', message: `${count} packets read` });
  };
  const reading = run.ffprobe([...FFPROBE_PACKET_ARGS, '-i', fileUrl(path)], { onLine }).finally(() => lines.end());
  const [index] = await Promise.all([buildPacketIndex(lines, media), reading]);
  return index;
}

async function markStarts(run: JobRun, path: string, media: MediaInfo, index: PacketIndex, streamIndex: number, range: { from: number; to: number }): Promise<void> {
  const stream = media.streams.find((candidate) => candidate.index === streamIndex);
  if (!stream) return;
  const lines = new LineChannel();
  const probing = run
    .ffmpeg({ args: idrProbeArgs(fileUrl(path), stream), durationSeconds: media.durationSeconds, ...range, phase: 'indexing', onLine: (line) => lines.push(line) })
    .finally(() => lines.end());
  await Promise.all([markIdrPackets(index, streamIndex, lines), probing]);
}

/** Sends the index in parts; answers how many. */
export async function sendPacketIndex(run: JobRun, index: PacketIndex, range: { from: number; to: number }): Promise<number> {
  const bytes = await encodePacketIndex(index);
  const parts = Math.ceil(bytes.length / PART_BYTES);
  for (let part = 0; part < parts; part += 1) {
    run.progress({ percent: range.from + ((range.to - range.from) * part) / parts, phase: 'saving', message: `Sending the packet index, part ${part + 1} of ${parts}` });
    await run.effects({ kind: 'index', part, data: toBase64(bytes.subarray(part * PART_BYTES, (part + 1) * PART_BYTES)) });
  }
  return parts;
}
