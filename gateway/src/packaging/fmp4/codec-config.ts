import { fromBase64, rationalValue, vp9Level, type MediaStream } from '@reelay/contracts';
import { NotRemuxableError } from '../errors.ts';
import { avcConfigOf, parseAvcConfig, writeAvcConfig, type AvcConfig } from '../bitstream/h264.ts';
import { hevcConfigOf, parseHevcConfig, writeHevcConfig, type HevcConfig } from '../bitstream/hevc.ts';
import { splitAnnexB } from '../bitstream/nal.ts';
import { box, concat, fullBox, u16, u32, u8, zeros } from './box.ts';

/** How a rendition's samples are described and how the file's packets become samples. */
export interface CodecConfig {
  /** The sample entry's type: avc1, hvc1, vp09, av01, mp4a, Opus, fLaC. */
  readonly entryType: string;
  /** The configuration box inside the sample entry. */
  readonly box: Uint8Array;
  readonly avc: AvcConfig | null;
  /** The packets are Annex B byte streams. Told by the stream's configuration: a packet alone can look like both. */
  readonly annexB: boolean;
  readonly hevc: HevcConfig | null;
  /** The packets carry ADTS headers that have to go. */
  readonly adts: boolean;
  /** Of a sample of sound, as the sample entry says it: Chromium insists on FLAC's own. */
  readonly sampleBits: number;
}

/** What was read from the file's own first packets, for containers that keep no configuration of their own. */
export interface InBandConfig {
  readonly avc?: AvcConfig | null;
  readonly hevc?: HevcConfig | null;
  readonly audioSpecificConfig?: Uint8Array | null;
}

/** Whether {@link codecConfig} needs the stream's first packet: nothing outside the packets configures the decoder. */
export function needsInBandConfig(stream: MediaStream): boolean {
  const extradata = extradataOf(stream);
  if (stream.codec === 'aac') return extradata.length < 2;
  if (stream.codec === 'hevc') return parseHevcConfig(extradata) === null && hevcConfigOf(splitAnnexB(extradata)) === null;
  if (stream.codec !== 'h264') return false;
  const config = parseAvcConfig(extradata);
  return config === null || config.sps.length === 0 || config.pps.length === 0;
}

/** The decoder configuration of a stream. Throws {@link NotRemuxableError} when it is missing or of no known form. */
export function codecConfig(stream: MediaStream, inBand: InBandConfig = {}): CodecConfig {
  const extradata = extradataOf(stream);
  switch (stream.codec) {
    case 'h264': return avcEntry(extradata, inBand.avc ?? null);
    case 'hevc': return hevcEntry(extradata, inBand.hevc ?? null);
    case 'vp9': return plain('vp09', vpcC(stream));
    case 'av1': return plain('av01', box('av1C', required(extradata, 4, stream)));
    case 'aac': return aacEntry(stream, extradata, inBand);
    case 'opus': return plain('Opus', dOps(required(extradata, 19, stream)));
    case 'flac': return flacEntry(required(extradata, 34, stream));
    default: throw new NotRemuxableError(`${stream.codec} cannot be carried in segments.`, { codec: stream.codec });
  }
}

/** The stream's configuration bytes as probed; empty when there are none. */
function extradataOf(stream: MediaStream): Uint8Array {
  return stream.extradata === null ? zeros(0) : fromBase64(stream.extradata);
}

function required(extradata: Uint8Array, bytes: number, stream: MediaStream): Uint8Array {
  if (extradata.length >= bytes) return extradata;
  throw new NotRemuxableError(`The file holds no decoder configuration for its ${stream.codec} stream.`, { codec: stream.codec });
}

function plain(entryType: string, configBox: Uint8Array): CodecConfig {
  return { entryType, box: configBox, avc: null, annexB: false, hevc: null, adts: false, sampleBits: 16 };
}

function avcEntry(extradata: Uint8Array, inBand: AvcConfig | null): CodecConfig {
  const outOfBand = parseAvcConfig(extradata);
  const sets = inBand ?? outOfBand ?? avcConfigOf(splitAnnexB(extradata));
  if (!sets || sets.sps.length === 0) throw new NotRemuxableError('The H.264 stream holds no parameter sets.');
  const avc = { ...sets, lengthSize: outOfBand?.lengthSize ?? sets.lengthSize };
  return { ...plain('avc1', box('avcC', writeAvcConfig(avc))), avc, annexB: outOfBand === null };
}

function hevcEntry(extradata: Uint8Array, inBand: HevcConfig | null): CodecConfig {
  const outOfBand = parseHevcConfig(extradata);
  if (outOfBand && outOfBand.sets.length > 0) {
    const content = Uint8Array.from(extradata);
    content[21] = (content[21] ?? 0) | 3;
    return { ...plain('hvc1', box('hvcC', content)), hevc: outOfBand };
  }
  const hevc = hevcConfigOf(splitAnnexB(extradata)) ?? inBand;
  if (outOfBand || !hevc) throw new NotRemuxableError('The HEVC stream holds no parameter sets.');
  return { ...plain('hvc1', box('hvcC', writeHevcConfig(hevc))), hevc, annexB: true };
}

function aacEntry(stream: MediaStream, extradata: Uint8Array, inBand: InBandConfig): CodecConfig {
  if (extradata.length >= 2) return plain('mp4a', esds(extradata));
  const config = inBand.audioSpecificConfig;
  if (!config) throw new NotRemuxableError('The file holds no decoder configuration for its aac stream.', { codec: stream.codec });
  return { ...plain('mp4a', esds(config)), adts: true };
}

/** MPEG-4 elementary stream descriptor; object type 0x40 is AAC. */
function esds(audioSpecificConfig: Uint8Array): Uint8Array {
  const decoder = descriptor(4, concat([u8(0x40, 0x15, 0, 0, 0), u32(0, 0), descriptor(5, audioSpecificConfig)]));
  return fullBox('esds', 0, 0, descriptor(3, concat([u16(1), u8(0), decoder, descriptor(6, u8(2))])));
}

function descriptor(tag: number, content: Uint8Array): Uint8Array {
  const { length } = content;
  return concat([u8(tag, 0x80 | ((length >> 21) & 127), 0x80 | ((length >> 14) & 127), 0x80 | ((length >> 7) & 127), length & 127), content]);
}

/** OpusHead is little-endian and starts with its name; dOps holds the same fields big-endian. */
function dOps(head: Uint8Array): Uint8Array {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const mapping = head.subarray(18);
  return box('dOps', u8(0, head[9] ?? 2), u16(view.getUint16(10, true)), u32(view.getUint32(12, true)), u16(view.getUint16(16, true)), mapping);
}

/** Matroska keeps the marker and all metadata blocks, others only the 34 bytes of STREAMINFO, which is all that is needed. */
function flacEntry(extradata: Uint8Array): CodecConfig {
  const marked = extradata[0] === 0x66 && extradata[1] === 0x4c;
  const info = marked ? extradata.subarray(8, 42) : extradata.subarray(0, 34);
  const sampleBits = ((((info[12] ?? 0) & 1) << 4) | ((info[13] ?? 0) >> 4)) + 1;
  return { ...plain('fLaC', fullBox('dfLa', 0, 0, u8(0x80, 0, 0, 34), info)), sampleBits };
}

function vpcC(stream: MediaStream): Uint8Array {
  const profile = Number(/(\d)$/.exec(stream.profile ?? '')?.[1] ?? '0');
  const level = vp9Level(stream.width ?? 0, stream.height ?? 0, rationalValue(stream.frameRate) || 30);
  const format = stream.pixelFormat ?? '';
  const subsampling = format.includes('444') || format.startsWith('gbr') ? 3 : format.includes('422') ? 2 : 1;
  const { primaries, transfer, matrix, fullRange } = colourCodes(stream);
  return fullBox('vpcC', 1, 0,
    u8(profile, level, ((stream.bitDepth ?? 8) << 4) | (subsampling << 1) | (fullRange ? 1 : 0), primaries, transfer, matrix), u16(0));
}

const PRIMARIES: Readonly<Record<string, number>> = {
  bt709: 1, bt470m: 4, bt470bg: 5, smpte170m: 6, smpte240m: 7, film: 8, bt2020: 9, smpte428: 10, smpte431: 11, smpte432: 12,
};
const TRANSFERS: Readonly<Record<string, number>> = {
  'bt709': 1, 'gamma22': 4, 'gamma28': 5, 'smpte170m': 6, 'smpte240m': 7, 'linear': 8, 'iec61966-2-1': 13,
  'bt2020-10': 14, 'bt2020-12': 15, 'smpte2084': 16, 'arib-std-b67': 18,
};
const MATRICES: Readonly<Record<string, number>> = {
  gbr: 0, bt709: 1, fcc: 4, bt470bg: 5, smpte170m: 6, smpte240m: 7, ycgco: 8, bt2020nc: 9, bt2020c: 10,
};

/** The numbers of ISO/IEC 23091-2 for a stream's colours; 2 is "unspecified". */
export function colourCodes({ colour }: MediaStream): { primaries: number; transfer: number; matrix: number; fullRange: boolean } {
  return {
    primaries: PRIMARIES[colour?.primaries ?? ''] ?? 2,
    transfer: TRANSFERS[colour?.transfer ?? ''] ?? 2,
    matrix: MATRICES[colour?.space ?? ''] ?? 2,
    fullRange: colour?.range === 'full',
  };
}
