import { hexByte } from './bytes.ts';
import type { Rational } from './media-info.ts';

/** What is known of a stream when its RFC 6381 codec string is asked for. */
export interface CodecFacts {
  readonly codec: string;
  readonly profile: string | null;
  readonly level: number | null;
  readonly bitDepth: number | null;
  readonly width: number | null;
  readonly height: number | null;
  readonly frameRate: Rational | null;
  readonly extradata: Uint8Array | null;
}

const H264_PROFILES: Readonly<Record<string, string>> = {
  'Constrained Baseline': '4240',
  Baseline: '4200',
  Main: '4d40',
  Extended: '5800',
  High: '6400',
  'High 10': '6e00',
  'High 10 Intra': '6e10',
  'High 4:2:2': '7a00',
  'High 4:2:2 Intra': '7a10',
  'High 4:4:4 Predictive': 'f400',
};

const AAC_OBJECT_TYPES: Readonly<Record<string, number>> = {
  Main: 1, LC: 2, SSR: 3, LTP: 4, 'HE-AAC': 5, 'HE-AACv2': 29, LD: 23, ELD: 39, xHE: 42,
};

/** The RFC 6381 string for the `codecs` parameter of a media type, or null when the facts do not suffice. */
export function codecString(facts: CodecFacts): string | null {
  switch (facts.codec) {
    case 'h264': return h264(facts);
    case 'hevc': return hevc(facts);
    case 'vp8': return 'vp8';
    case 'vp9': return vp9(facts);
    case 'av1': return av1(facts);
    case 'aac': return aac(facts);
    case 'mp3': return 'mp4a.6B';
    case 'opus': return 'opus';
    case 'vorbis': return 'vorbis';
    case 'flac': return 'flac';
    case 'ac3': return 'ac-3';
    case 'eac3': return 'ec-3';
    default: return null;
  }
}

function h264({ extradata, profile, level }: CodecFacts): string | null {
  const sps = extradata ? spsStart(extradata) : null;
  if (extradata && sps !== null && sps + 3 <= extradata.length) {
    return `avc1.${[...extradata.subarray(sps, sps + 3)].map(hexByte).join('')}`;
  }
  const prefix = profile === null ? undefined : H264_PROFILES[profile];
  return prefix === undefined || level === null || level <= 0 ? null : `avc1.${prefix}${hexByte(level)}`;
}

/** Where profile_idc stands: in avcC at byte 1, in Annex B behind the header of the first SPS. */
function spsStart(extradata: Uint8Array): number | null {
  if (extradata[0] === 1) return 1;
  for (let i = 0; i + 3 < extradata.length; i += 1) {
    if (extradata[i] === 0 && extradata[i + 1] === 0 && extradata[i + 2] === 1 && ((extradata[i + 3] ?? 0) & 31) === 7) return i + 4;
  }
  return null;
}

function hevc({ extradata, profile, level }: CodecFacts): string | null {
  if (extradata?.[0] === 1 && extradata.length >= 23) return hevcFromConfig(extradata);
  if (level === null || level <= 0) return null;
  if (profile === 'Main') return `hvc1.1.6.L${level}.B0`;
  return profile === 'Main 10' ? `hvc1.2.4.L${level}.B0` : null;
}

function hevcFromConfig(config: Uint8Array): string {
  const first = config[1] ?? 0;
  const space = ['', 'A', 'B', 'C'][first >> 6] ?? '';
  let compatibility = 0;
  for (let bit = 0; bit < 32; bit += 1) {
    if ((((config[2 + (bit >> 3)] ?? 0) >> (7 - (bit & 7))) & 1) === 1) compatibility += 2 ** bit;
  }
  const constraints = [...config.subarray(6, 12)];
  while (constraints.at(-1) === 0) constraints.pop();
  const tail = constraints.map((byte) => `.${byte.toString(16).toUpperCase()}`).join('');
  return `hvc1.${space}${first & 31}.${compatibility.toString(16).toUpperCase()}.${(first & 32) === 0 ? 'L' : 'H'}${config[12] ?? 0}${tail}`;
}

/** Levels of VP9 by luma samples a second and picture size (Annex A of the bitstream specification). */
const VP9_LEVELS: readonly (readonly [level: number, rate: number, size: number])[] = [
  [10, 829_440, 36_864], [11, 2_764_800, 73_728], [20, 4_608_000, 122_880], [21, 9_216_000, 245_760],
  [30, 20_736_000, 552_960], [31, 36_864_000, 983_040], [40, 83_558_400, 2_228_224], [41, 160_432_128, 2_228_224],
  [50, 311_951_360, 8_912_896], [51, 588_251_136, 8_912_896], [52, 1_176_502_272, 8_912_896],
  [60, 1_176_502_272, 35_651_584], [61, 2_353_004_544, 35_651_584],
];

/** The smallest VP9 level (10 = 1.0 … 62 = 6.2) that fits the picture size and rate. */
export function vp9Level(width: number, height: number, framesPerSecond: number): number {
  const size = width * height;
  return VP9_LEVELS.find(([, rate, largest]) => size <= largest && size * framesPerSecond <= rate)?.[0] ?? 62;
}

function vp9({ profile, bitDepth, width, height, frameRate }: CodecFacts): string | null {
  if (!width || !height) return null;
  const number = Number(/(\d)$/.exec(profile ?? 'Profile 0')?.[1] ?? '0');
  const level = vp9Level(width, height, frameRate ? frameRate.num / frameRate.den : 30);
  return `vp09.0${number}.${level}.${String(bitDepth ?? 8).padStart(2, '0')}`;
}

function av1({ extradata, bitDepth }: CodecFacts): string | null {
  if (!extradata || extradata.length < 4 || extradata[0] !== 0x81) return null;
  const second = extradata[1] ?? 0;
  const tier = ((extradata[2] ?? 0) & 0x80) === 0 ? 'M' : 'H';
  return `av01.${second >> 5}.${String(second & 31).padStart(2, '0')}${tier}.${String(bitDepth ?? 8).padStart(2, '0')}`;
}

function aac({ extradata, profile }: CodecFacts): string {
  const fromProfile = profile === null ? undefined : AAC_OBJECT_TYPES[profile];
  if (fromProfile !== undefined) return `mp4a.40.${fromProfile}`;
  const first = extradata?.[0];
  const objectType = first === undefined ? 2 : first >> 3;
  return `mp4a.40.${objectType === 0 || objectType === 31 ? 2 : objectType}`;
}
