import { Complaints } from '../complaint.ts';
import { type Box, BrokenBoxes, children, contentOf, find, readBoxes } from './boxes.ts';
import { parseSps, type Sps } from './sps.ts';

/** What an init segment says of its one track. */
export interface Track {
  readonly handler: string;
  readonly timescale: number;
  readonly defaults: { readonly durationTicks: number; readonly flags: number };
  /** Of the sample entry: `avc1`, `mp4a` … */
  readonly format: string;
  /** RFC 6381; null where this reader cannot tell. */
  readonly codec: string | null;
  /** Coded size; 0 for sound. */
  readonly width: number;
  readonly height: number;
  /** On screen, by tkhd with its matrix. */
  readonly shownWidth: number;
  readonly shownHeight: number;
  readonly sps: Sps | null;
}

const hex = (value: number): string => value.toString(16).padStart(2, '0');

/** Rules of an init segment by itself. `track` is null when it cannot be read. */
export function initRules(bytes: Uint8Array, where: string): { complaints: Complaints; track: Track | null } {
  const complaints = new Complaints(where);
  try {
    const boxes = readBoxes(bytes);
    complaints.check(boxes[0]?.type === 'ftyp', 'CMAF init', `it begins with ${boxes[0]?.type}`);
    complaints.check(find(boxes, 'moov').length === 1, 'CMAF init', 'not one moov');
    complaints.check(boxes.every(({ type }) => ['ftyp', 'moov', 'free', 'skip'].includes(type)), 'CMAF init', `it holds ${boxes.map(({ type }) => type).join(', ')}`);
    complaints.check(find(boxes, 'moov', 'mvex', 'trex').length === 1, 'CMAF init', 'no mvex with one trex');
    complaints.check(find(boxes, 'moov', 'trak').length === 1, 'CMAF init', `${find(boxes, 'moov', 'trak').length} tracks, not 1`);
    complaints.check(find(boxes, 'moov', 'trak', 'edts').length === 0, 'CMAF init', 'an edit list');
    for (const table of ['stts', 'stsc', 'stsz', 'stco']) {
      const [box] = find(boxes, 'moov', 'trak', 'mdia', 'minf', 'stbl', table);
      complaints.check(box !== undefined, 'CMAF init', `no ${table}`);
      if (box !== undefined) complaints.check(box.data.getUint32(table === 'stsz' ? 8 : 4) === 0, 'CMAF init', `${table} is not empty`);
    }
    return { complaints, track: readTrack(boxes, complaints) };
  } catch (error) {
    complaints.check(false, 'CMAF init', error instanceof BrokenBoxes ? error.message : String(error));
    return { complaints, track: null };
  }
}

function readTrack(boxes: readonly Box[], complaints: Complaints): Track | null {
  const one = (...path: string[]): Box | undefined => find(boxes, 'moov', ...path)[0];
  const [hdlr, mdhd, tkhd, trex, stsd] = [one('trak', 'mdia', 'hdlr'), one('trak', 'mdia', 'mdhd'), one('trak', 'tkhd'), one('mvex', 'trex'), one('trak', 'mdia', 'minf', 'stbl', 'stsd')];
  const entry = stsd === undefined ? undefined : children(stsd, 8)[0];
  if (!hdlr || !mdhd || !tkhd || !trex || !entry) {
    complaints.check(false, 'CMAF init', 'a box of the track is missing');
    return null;
  }
  complaints.check(trex.data.getUint32(4) === tkhd.data.getUint32(tkhd.data.getUint8(0) === 1 ? 20 : 12), 'CMAF init', 'trex is for another track');
  const handler = String.fromCharCode(...contentOf(hdlr).subarray(8, 12));
  const isVideo = handler === 'vide';
  const config = children(entry, isVideo ? 78 : 28);
  const avcC = config.find(({ type }) => type === 'avcC');
  const sps = avcC === undefined ? null : spsOf(contentOf(avcC));
  return {
    handler, format: entry.type, timescale: mdhd.data.getUint32(mdhd.data.getUint8(0) === 1 ? 20 : 12), codec: codecOf(entry, config, sps), sps,
    defaults: { durationTicks: trex.data.getUint32(12), flags: trex.data.getUint32(20) },
    width: isVideo ? entry.data.getUint16(24) : 0, height: isVideo ? entry.data.getUint16(26) : 0, ...shown(tkhd),
  };
}

/** Width and height on screen: the matrix may turn them. */
function shown({ data }: Box): { shownWidth: number; shownHeight: number } {
  const at = data.byteLength - 44;
  const [width, height] = [data.getUint32(data.byteLength - 8) / 65_536, data.getUint32(data.byteLength - 4) / 65_536];
  const turned = data.getInt32(at) === 0 && data.getInt32(at + 4) !== 0;
  return turned ? { shownWidth: height, shownHeight: width } : { shownWidth: width, shownHeight: height };
}

function spsOf(avcC: Uint8Array): Sps | null {
  const length = ((avcC[6] ?? 0) << 8) | (avcC[7] ?? 0);
  return ((avcC[5] ?? 0) & 31) === 0 ? null : parseSps(avcC.subarray(8, 8 + length));
}

function codecOf(entry: Box, config: readonly Box[], sps: Sps | null): string | null {
  const box = (type: string): Box | undefined => config.find((candidate) => candidate.type === type);
  if (entry.type === 'avc1' || entry.type === 'avc3') return sps === null ? null : `${entry.type}.${hex(sps.profile)}${hex(sps.compatibility)}${hex(sps.level)}`;
  if (entry.type === 'Opus') return 'opus';
  if (entry.type === 'fLaC') return 'flac';
  if (entry.type === 'mp4a') return aac(box('esds'));
  return null;
}

/** Object type of MPEG-4 audio, from the descriptors of esds. */
function aac(esds: Box | undefined): string | null {
  const bytes = esds === undefined ? new Uint8Array() : contentOf(esds);
  const find = (tag: number, from: number): number => {
    for (let at = from; at < bytes.length; at += 1) {
      if (bytes[at] !== tag) continue;
      let length = at + 1;
      while ((bytes[length] ?? 0) >= 0x80) length += 1;
      return length + 1;
    }
    return -1;
  };
  const config = find(0x04, 4 + 3);
  const specific = config < 0 ? -1 : find(0x05, config + 13);
  if (specific < 0) return null;
  const first = ((bytes[specific] ?? 0) << 8) | (bytes[specific + 1] ?? 0);
  const type = first >> 11;
  return `mp4a.40.${type === 31 ? 32 + ((first >> 5) & 63) : type}`;
}
