// Helpers of the tests: clips made by ffmpeg, their probe results, and a box reader of its own (the writer is not trusted).

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  buildPacketIndex, decodePacketIndex, encodePacketIndex, FFPROBE_INFO_ARGS, FFPROBE_PACKET_ARGS, idrProbeArgs, markIdrPackets, needsIdrProbe,
  parseFfprobe, type MediaInfo, type PacketIndex,
} from '@reelay/contracts';
import type { MediaPackage } from './package.ts';

const execute = promisify(execFile);

/** Runs a program to its end; rejects on a non-zero exit. */
async function run(program: string, args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return execute(program, [...args], { maxBuffer: 256 * 1024 * 1024 });
}

/** A folder of clips that is removed at the end. */
export class ClipFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'reelay-clips-'));

  async make(name: string, ...args: readonly string[]): Promise<string> {
    const path = join(this.path, name);
    await run('ffmpeg', ['-nostdin', '-v', 'error', '-y', ...args, path]);
    return path;
  }

  write(name: string, bytes: Uint8Array): string {
    const path = join(this.path, name);
    writeFileSync(path, bytes);
    return path;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export interface ProbedClip {
  readonly path: string;
  readonly info: MediaInfo;
  readonly index: PacketIndex;
}

/** Does what `validate` does: probe, index, IDR probe; the index goes through its compact form. */
export async function probe(path: string): Promise<ProbedClip> {
  const info = parseFfprobe((await run('ffprobe', [...FFPROBE_INFO_ARGS, path])).stdout);
  const index = await buildPacketIndex((await run('ffprobe', [...FFPROBE_PACKET_ARGS, path])).stdout.split('\n'), info);
  for (const stream of info.streams.filter(needsIdrProbe)) {
    const listed = await run('ffmpeg', idrProbeArgs(path, stream));
    await markIdrPackets(index, stream.index, listed.stdout.split('\n'));
  }
  return { path, info, index: await decodePacketIndex(await encodePacketIndex(index)) };
}

export interface ParsedBox {
  readonly type: string;
  readonly content: Uint8Array;
}

const PARENTS: ReadonlySet<string> = new Set(['moov', 'trak', 'mdia', 'minf', 'stbl', 'mvex', 'moof', 'traf', 'edts']);

/** All boxes, parents before their children. */
export function parseBoxes(bytes: Uint8Array): ParsedBox[] {
  const boxes: ParsedBox[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length;) {
    const size = view.getUint32(at);
    if (size < 8 || at + size > bytes.length) throw new Error(`bad box size ${size} at ${at}`);
    const type = new TextDecoder('latin1').decode(bytes.subarray(at + 4, at + 8));
    const content = bytes.subarray(at + 8, at + size);
    boxes.push({ type, content });
    if (PARENTS.has(type)) boxes.push(...parseBoxes(content));
    at += size;
  }
  return boxes;
}

export interface ParsedSegment {
  readonly tfdt: number;
  readonly durations: number[];
  readonly sizes: number[];
  readonly flags: number[];
  readonly offsets: number[];
  readonly trunVersion: number;
  readonly boxTypes: string[];
  /** Whether the data offset leads to the first byte of mdat's content and the sizes fill it. */
  readonly dataFits: boolean;
}

/** Reads a media segment of one fragment. */
export function parseSegment(bytes: Uint8Array): ParsedSegment {
  const boxes = parseBoxes(bytes);
  const contentOf = (type: string) => {
    const found = boxes.find((candidate) => candidate.type === type);
    if (!found) throw new Error(`no ${type}`);
    return new DataView(found.content.buffer, found.content.byteOffset, found.content.byteLength);
  };
  const tfdt = contentOf('tfdt');
  const trun = contentOf('trun');
  const present = trun.getUint32(0) & 0xffffff;
  const count = trun.getUint32(4);
  const columns: Record<'durations' | 'sizes' | 'flags' | 'offsets', number[]> = { durations: [], sizes: [], flags: [], offsets: [] };
  let at = 12;
  for (let i = 0; i < count; i += 1) {
    for (const [flag, name] of [[0x100, 'durations'], [0x200, 'sizes'], [0x400, 'flags'], [0x800, 'offsets']] as const) {
      if ((present & flag) === 0) continue;
      columns[name].push(name === 'offsets' ? trun.getInt32(at) : trun.getUint32(at));
      at += 4;
    }
  }
  const mdat = contentOf('mdat');
  const moofAt = contentOf('moof').byteOffset - 8;
  const total = columns.sizes.reduce((sum, size) => sum + size, 0);
  return {
    tfdt: Number(tfdt.getBigInt64(4)), ...columns, trunVersion: trun.getUint8(0), boxTypes: boxes.map(({ type }) => type),
    dataFits: moofAt + trun.getInt32(8) === mdat.byteOffset && total === mdat.byteLength,
  };
}

/** Init and segments [from, to) of a rendition as one file's bytes. */
export async function assemble(media: MediaPackage, renditionId: string, from: number, to: number): Promise<Uint8Array> {
  const parts = [await media.init(renditionId)];
  for (let n = from; n < to; n += 1) parts.push(await media.segment(renditionId, n));
  return Uint8Array.from(Buffer.concat(parts));
}

export interface ProbedPacket {
  readonly pts: number;
  readonly isKey: boolean;
}

/** The packets of a one-track file as ffprobe sees them. */
export async function packetsOf(path: string): Promise<ProbedPacket[]> {
  const { stdout } = await run('ffprobe', ['-v', 'error', '-show_entries', 'packet=pts,flags', '-of', 'csv=p=0', path]);
  return stdout.split('\n').filter((line) => line !== '').map((line) => {
    const [pts = '', flags = ''] = line.split(',');
    return { pts: Number(pts), isKey: flags.includes('K') };
  });
}

/** Decodes a file completely; what ffmpeg complains about and how many frames came out. */
export async function decode(path: string): Promise<{ complaints: string; frames: number }> {
  const { stdout, stderr } = await run('ffmpeg', ['-nostdin', '-v', 'warning', '-i', path, '-f', 'framecrc', '-']);
  return { complaints: stderr, frames: stdout.split('\n').filter((line) => /^\d/.test(line)).length };
}
