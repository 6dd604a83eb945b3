import type { MediaInfo, MediaStream } from './media-info.ts';
import { allocateTrack, PacketFlag, type PacketIndex, type PacketTrack } from './packet-index.ts';

/** Arguments of ffprobe whose lines {@link buildPacketIndex} reads; the input follows. */
export const FFPROBE_PACKET_ARGS: readonly string[] = [
  '-v', 'error', '-show_entries', 'packet=stream_index,pts,dts,duration,size,pos,flags:packet_side_data=side_data_type', '-of', 'compact=p=0',
];

/**
 * Builds the packet index of the video and audio streams from ffprobe's packet lines ({@link FFPROBE_PACKET_ARGS}),
 * read once and in order; lines that are no packets are skipped. Codecs with open groups of pictures (H.264, HEVC) have
 * no `idr` flags yet: see `markIdrPackets`. Those of other codecs count every keyframe as such.
 */
export async function buildPacketIndex(lines: AsyncIterable<string> | Iterable<string>, info: MediaInfo): Promise<PacketIndex> {
  const builders = new Map<number, TrackBuilder>();
  for (const stream of info.streams) {
    if (stream.kind === 'video' || stream.kind === 'audio') builders.set(stream.index, new TrackBuilder(stream, stream.kind));
  }
  for await (const line of lines) {
    const fields = parseLine(line);
    if (fields) builders.get(fields.streamIndex)?.add(fields);
  }
  return { tracks: [...builders.values()].map((builder) => builder.finish()) };
}

interface PacketFields {
  streamIndex: number;
  pts: number;
  dts: number;
  duration: number;
  size: number;
  position: number;
  flags: string;
  newConfig: boolean;
}

/** Side data of a packet, as ffprobe calls it. */
const NEW_CONFIG = 'New Extradata';

function parseLine(line: string): PacketFields | null {
  if (!line.startsWith('stream_index=')) return null;
  const fields: PacketFields = { streamIndex: -1, pts: Number.NaN, dts: Number.NaN, duration: Number.NaN, size: -1, position: Number.NaN, flags: '', newConfig: line.includes(NEW_CONFIG) };
  for (const part of line.split('|')) {
    const equals = part.indexOf('=');
    const value = part.slice(equals + 1).trimEnd();
    // Number('N/A') is NaN, which is what "missing" is here.
    switch (part.slice(0, equals)) {
      case 'stream_index': fields.streamIndex = Number(value); break;
      case 'pts': fields.pts = Number(value); break;
      case 'dts': fields.dts = Number(value); break;
      case 'duration': fields.duration = Number(value); break;
      case 'size': fields.size = Number(value); break;
      case 'pos': fields.position = Number(value); break;
      case 'flags': fields.flags = value; break;
      default:
    }
  }
  return fields.streamIndex >= 0 && fields.size >= 0 ? fields : null;
}

/** Streams whose keyframe flag already means "nothing before is needed". */
const CLOSED_BY_DESIGN: ReadonlySet<string> = new Set(['vp8', 'vp9', 'av1', 'mjpeg', 'png', 'prores', 'dnxhd', 'ffv1']);

class TrackBuilder {
  readonly #stream: MediaStream;
  readonly #kind: 'video' | 'audio';
  readonly #packets: PacketFields[] = [];

  constructor(stream: MediaStream, kind: 'video' | 'audio') {
    this.#stream = stream;
    this.#kind = kind;
  }

  add(packet: PacketFields): void {
    const previous = this.#packets.at(-1);
    if (Number.isNaN(packet.pts)) packet.pts = this.#impliedPts(packet, previous);
    this.#packets.push(packet);
  }

  /** Sound follows sound; a picture without reordering is shown when decoded. Anything else stays unknown. */
  #impliedPts(packet: PacketFields, previous: PacketFields | undefined): number {
    if (this.#kind === 'video') return this.#stream.reorderDepth === 0 ? packet.dts : Number.NaN;
    if (!Number.isNaN(packet.dts)) return packet.dts;
    return previous ? previous.pts + previous.duration : Number.NaN;
  }

  finish(): PacketTrack {
    const track = allocateTrack({
      streamIndex: this.#stream.index, kind: this.#kind, timeBase: this.#stream.timeBase, count: this.#packets.length,
    });
    const startable = this.#kind === 'audio' || CLOSED_BY_DESIGN.has(this.#stream.codec);
    for (const [i, packet] of this.#packets.entries()) {
      track.pts[i] = packet.pts;
      track.dts[i] = packet.dts;
      track.duration[i] = packet.duration;
      track.size[i] = packet.size;
      track.position[i] = packet.position;
      const key = packet.flags.includes('K');
      track.flags[i] = (key ? PacketFlag.key : 0)
        | (key && startable ? PacketFlag.idr : 0)
        | (packet.flags.includes('D') ? PacketFlag.discard : 0)
        // With the first packet comes what was probed.
        | (packet.newConfig && i > 0 ? PacketFlag.newConfig : 0);
    }
    return track;
  }
}
