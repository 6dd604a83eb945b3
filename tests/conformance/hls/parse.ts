import { Complaints } from '../complaint.ts';
import { type Attributes, parseAttributes } from './attribute-list.ts';

/** A line that means something, with what it says. */
export interface Tag {
  readonly line: number;
  readonly name: string;
  readonly value: string;
  readonly attributes: Attributes;
}

export interface SegmentEntry {
  readonly line: number;
  readonly uri: string;
  readonly durationSeconds: number;
  /** URI of the init segment in force; null without. */
  readonly map: string | null;
  readonly discontinuity: boolean;
}

export interface VariantEntry extends Tag {
  readonly uri: string;
}

export interface ParsedPlaylist {
  readonly kind: 'multivariant' | 'media';
  readonly complaints: Complaints;
  readonly tags: readonly Tag[];
  readonly version: number;
  readonly segments: readonly SegmentEntry[];
  readonly variants: readonly VariantEntry[];
}

type Value = 'none' | 'integer' | 'extinf' | 'attributes' | 'text';
type Place = 'segment' | 'media' | 'multivariant' | 'both';
/** RFC 8216, 4.3: what may stand in a playlist, and where. */
const TAGS: Readonly<Record<string, readonly [Value, Place, once: boolean]>> = {
  'EXTM3U': ['none', 'both', true], 'EXT-X-VERSION': ['integer', 'both', true], 'EXT-X-INDEPENDENT-SEGMENTS': ['none', 'both', true], 'EXT-X-START': ['attributes', 'both', true],
  'EXT-X-DEFINE': ['attributes', 'both', false],
  'EXTINF': ['extinf', 'segment', false], 'EXT-X-BYTERANGE': ['text', 'segment', false], 'EXT-X-DISCONTINUITY': ['none', 'segment', false], 'EXT-X-KEY': ['attributes', 'segment', false],
  'EXT-X-MAP': ['attributes', 'segment', false], 'EXT-X-PROGRAM-DATE-TIME': ['text', 'segment', false], 'EXT-X-GAP': ['none', 'segment', false],
  'EXT-X-TARGETDURATION': ['integer', 'media', true], 'EXT-X-MEDIA-SEQUENCE': ['integer', 'media', true], 'EXT-X-DISCONTINUITY-SEQUENCE': ['integer', 'media', true],
  'EXT-X-ENDLIST': ['none', 'media', true], 'EXT-X-PLAYLIST-TYPE': ['text', 'media', true], 'EXT-X-I-FRAMES-ONLY': ['none', 'media', true],
  'EXT-X-MEDIA': ['attributes', 'multivariant', false], 'EXT-X-STREAM-INF': ['attributes', 'multivariant', false], 'EXT-X-I-FRAME-STREAM-INF': ['attributes', 'multivariant', false],
  'EXT-X-SESSION-DATA': ['attributes', 'multivariant', false], 'EXT-X-CONTENT-STEERING': ['attributes', 'multivariant', true],
};
const EXTINF = /^(\d+(?:\.\d+)?),(.*)$/;

/** Reads a playlist strictly; never throws: what is wrong is in `complaints`. */
export function parsePlaylist(bytes: Uint8Array): ParsedPlaylist {
  const complaints = new Complaints();
  const lines = linesOf(bytes, complaints);
  complaints.check(lines[0] === '#EXTM3U', 'RFC 8216 4.3.1.1', `the first line is “${lines[0]?.slice(0, 20)}”`);
  const state = new Reader(complaints);
  for (const [i, line] of lines.entries()) state.take(line, i + 1);
  return state.end();
}

function linesOf(bytes: Uint8Array, complaints: Complaints): string[] {
  complaints.check(!(bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf), 'RFC 8216 4.1', 'it begins with a byte order mark');
  let text = '';
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    complaints.check(false, 'RFC 8216 4.1', 'it is not UTF-8');
    return [];
  }
  const lines = text.split(/\r?\n/);
  complaints.check(lines.pop() === '', 'RFC 8216 4.1', 'the last line does not end');
  for (const [i, line] of lines.entries()) complaints.check(!/[\x00-\x1f\x7f-\x9f]/.test(line), 'RFC 8216 4.1', `line ${i + 1}: a control character`);
  return lines;
}

class Reader {
  readonly #complaints: Complaints;
  readonly #tags: Tag[] = [];
  readonly #segments: SegmentEntry[] = [];
  readonly #variants: VariantEntry[] = [];
  #map: string | null = null;
  #duration: number | null = null;
  #discontinuity = false;
  #streamInf: Tag | null = null;

  constructor(complaints: Complaints) {
    this.#complaints = complaints;
  }

  take(line: string, number: number): void {
    if (line === '') return;
    this.#complaints.check(line.trim() === line, 'RFC 8216 4.1', `line ${number}: white space around it`);
    if (line.startsWith('#EXT')) this.#tag(line, number);
    else if (!line.startsWith('#')) this.#uri(line, number);
  }

  end(): ParsedPlaylist {
    const complaints = this.#complaints;
    const names = this.#tags.map(({ name }) => name);
    for (const name of new Set(names)) if (TAGS[name]?.[2] === true) complaints.check(names.filter((other) => other === name).length === 1, 'RFC 8216 4.3', `${name} more than once`);
    const isMulti = this.#tags.some(({ name }) => TAGS[name]?.[1] === 'multivariant');
    const isMedia = this.#tags.some(({ name }) => TAGS[name]?.[1] === 'media' || TAGS[name]?.[1] === 'segment');
    complaints.check(isMulti !== isMedia, 'RFC 8216 4.1', isMulti ? 'tags of both kinds of playlists' : 'tags of no kind of playlist');
    complaints.check(this.#streamInf === null, 'RFC 8216 4.3.4.2', 'EXT-X-STREAM-INF without a URI');
    complaints.check(this.#duration === null, 'RFC 8216 4.3.2.1', 'EXTINF without a URI');
    const version = Number(this.#tags.find(({ name }) => name === 'EXT-X-VERSION')?.value ?? 1);
    return { kind: isMulti ? 'multivariant' : 'media', complaints, tags: this.#tags, version, segments: this.#segments, variants: this.#variants };
  }

  #tag(line: string, number: number): void {
    const colon = line.indexOf(':');
    const name = line.slice(1, colon < 0 ? undefined : colon);
    const value = colon < 0 ? '' : line.slice(colon + 1);
    const where = `line ${number}, ${name}`;
    const [type] = TAGS[name] ?? [];
    if (!this.#complaints.check(type !== undefined, 'RFC 8216 4.3', `${where}: not a known tag`)) return;
    this.#complaints.check((type === 'none') === (colon < 0), 'RFC 8216 4.3', `${where}: ${type === 'none' ? 'has a value' : 'has no value'}`);
    if (type === 'integer') this.#complaints.check(/^\d+$/.test(value), 'RFC 8216 4.2', `${where}: ${value} is no integer`);
    this.#complaints.check(this.#streamInf === null, 'RFC 8216 4.3.4.2', `${where}: between EXT-X-STREAM-INF and its URI`);
    const tag: Tag = { line: number, name, value, attributes: type === 'attributes' ? parseAttributes(value, this.#complaints, where) : new Map<string, string>() };
    this.#tags.push(tag);
    if (name === 'EXT-X-STREAM-INF') this.#streamInf = tag;
    if (name === 'EXT-X-MAP') this.#map = tag.attributes.get('URI') ?? null;
    if (name === 'EXT-X-DISCONTINUITY') this.#discontinuity = true;
    if (name === 'EXTINF') this.#extinf(value, where);
  }

  #extinf(value: string, where: string): void {
    const match = EXTINF.exec(value);
    this.#complaints.check(match !== null, 'RFC 8216 4.3.2.1', `${where}: “${value}” is no length with a comma`);
    this.#complaints.check(this.#duration === null, 'RFC 8216 4.3.2.1', `${where}: two in front of one URI`);
    this.#duration = Number(match?.[1] ?? Number.NaN);
  }

  #uri(uri: string, line: number): void {
    this.#complaints.check(/^[\x21-\x7e]+$/.test(uri), 'RFC 8216 4.1', `line ${line}: “${uri}” is no URI`);
    if (this.#streamInf !== null) {
      this.#variants.push({ ...this.#streamInf, uri });
      this.#streamInf = null;
      return;
    }
    this.#complaints.check(this.#duration !== null, 'RFC 8216 4.3.2.1', `line ${line}: a URI without EXTINF`);
    this.#segments.push({ line, uri, durationSeconds: this.#duration ?? Number.NaN, map: this.#map, discontinuity: this.#discontinuity });
    this.#duration = null;
    this.#discontinuity = false;
  }
}
