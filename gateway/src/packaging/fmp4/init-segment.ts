import type { MediaStream } from '@reelay/contracts';
import { box, concat, fullBox, u16, u32, u8, zeros } from './box.ts';
import { colourCodes, type CodecConfig } from './codec-config.ts';

// One track, no edit list: the segments' tfdt already is the time on the presentation's clock.

/** The init segment of a rendition: ftyp and moov with mvex. */
export function writeInitSegment(stream: MediaStream, timescale: number, config: CodecConfig): Uint8Array {
  const ftyp = box('ftyp', 'iso6', u32(0), 'iso6', 'mp41', 'cmfc');
  const video = stream.kind === 'video';
  const sampleEntry = video ? videoEntry(stream, config) : audioEntry(stream, config);
  const moov = box('moov',
    fullBox('mvhd', 0, 0, u32(0, 0, 1000, 0, 0x00010000), u16(0x0100), zeros(10), matrix(0, 0, 0), zeros(24), u32(2)),
    box('trak',
      trackHeader(stream),
      box('mdia',
        fullBox('mdhd', 0, 0, u32(0, 0, timescale, 0), u16(packLanguage(stream.language)), u16(0)),
        fullBox('hdlr', 0, 0, u32(0), video ? 'vide' : 'soun', zeros(12), u8(0)),
        box('minf',
          video ? fullBox('vmhd', 0, 1, zeros(8)) : fullBox('smhd', 0, 0, zeros(4)),
          box('dinf', fullBox('dref', 0, 0, u32(1), fullBox('url ', 0, 1))),
          box('stbl', fullBox('stsd', 0, 0, u32(1), sampleEntry), ...emptyTables())))),
    box('mvex', fullBox('trex', 0, 0, u32(1, 1, 0, 0, video ? 0 : 0x02000000))));
  return concat([ftyp, moov]);
}

function emptyTables(): Uint8Array[] {
  return [
    fullBox('stts', 0, 0, u32(0)), fullBox('stsc', 0, 0, u32(0)), fullBox('stsz', 0, 0, u32(0, 0)), fullBox('stco', 0, 0, u32(0)),
  ];
}

/** Enabled, in movie, in preview; width and height on screen before rotation, as 16.16. */
function trackHeader(stream: MediaStream): Uint8Array {
  const turned = stream.rotationDegrees === 90 || stream.rotationDegrees === 270;
  const width = (turned ? stream.displayHeight : stream.displayWidth) ?? 0;
  const height = (turned ? stream.displayWidth : stream.displayHeight) ?? 0;
  return fullBox('tkhd', 0, 7,
    u32(0, 0, 1, 0, 0), zeros(8), u16(0, 0, stream.kind === 'audio' ? 0x0100 : 0, 0),
    matrix(stream.rotationDegrees, width, height), u32(width * 65_536, height * 65_536));
}

/** The display matrix of a clockwise turn; the translation keeps the picture in the positive quarter. */
function matrix(degrees: MediaStream['rotationDegrees'], width: number, height: number): Uint8Array {
  const one = 0x00010000;
  const [a, b, c, d, x, y] = degrees === 90 ? [0, one, -one, 0, height, 0]
    : degrees === 180 ? [-one, 0, 0, -one, width, height]
      : degrees === 270 ? [0, -one, one, 0, 0, width]
        : [one, 0, 0, one, 0, 0];
  return u32(a, b, 0, c, d, 0, x * 65_536, y * 65_536, 0x40000000);
}

function videoEntry(stream: MediaStream, config: CodecConfig): Uint8Array {
  const extra: Uint8Array[] = [];
  const { primaries, transfer, matrix: coefficients, fullRange } = colourCodes(stream);
  if (primaries !== 2 || transfer !== 2 || coefficients !== 2) {
    extra.push(box('colr', 'nclx', u16(primaries, transfer, coefficients), u8(fullRange ? 0x80 : 0)));
  }
  const ratio = stream.sampleAspectRatio;
  if (ratio && ratio.num !== ratio.den) extra.push(box('pasp', u32(ratio.num, ratio.den)));
  return box(config.entryType,
    zeros(6), u16(1), zeros(16), u16(stream.width ?? 0, stream.height ?? 0), u32(0x00480000, 0x00480000, 0),
    u16(1), zeros(32), u16(24, 0xffff), config.box, ...extra);
}

function audioEntry(stream: MediaStream, config: CodecConfig): Uint8Array {
  // Opus is always 48 kHz here; rates that do not fit 16 bits are given by the configuration box alone.
  const rate = config.entryType === 'Opus' ? 48_000 : (stream.sampleRate ?? 0);
  return box(config.entryType,
    zeros(6), u16(1), zeros(8), u16(stream.channels ?? 2, config.sampleBits, 0, 0), u32(rate < 65_536 ? rate * 65_536 : 0), config.box);
}

/** ISO 639-2 in three times five bits; `und` when the language is none of three letters. */
function packLanguage(language: string | null): number {
  const code = language !== null && /^[a-z]{3}$/.test(language) ? language : 'und';
  return [0, 1, 2].reduce((packed, at) => (packed << 5) | (code.charCodeAt(at) - 0x60), 0);
}
