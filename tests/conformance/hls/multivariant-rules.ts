import { Complaints } from '../complaint.ts';
import type { ParsedPlaylist, Tag, VariantEntry } from './parse.ts';

const YES_NO = new Set(['YES', 'NO']);
const TYPES = new Set(['AUDIO', 'VIDEO', 'SUBTITLES', 'CLOSED-CAPTIONS']);

/** Rules of a multivariant playlist by itself. */
export function multivariantRules(playlist: ParsedPlaylist): Complaints {
  const complaints = new Complaints('master');
  complaints.add(playlist.complaints.list);
  if (!complaints.check(playlist.kind === 'multivariant', 'RFC 8216 4.1', 'it is no multivariant playlist')) return complaints;
  complaints.check(playlist.variants.length > 0, 'RFC 8216 4.3.4.2', 'no variant');
  complaints.check(playlist.tags.some(({ name }) => name === 'EXT-X-INDEPENDENT-SEGMENTS'), 'Apple 9.12', 'no EXT-X-INDEPENDENT-SEGMENTS');
  const media = playlist.tags.filter(({ name }) => name === 'EXT-X-MEDIA');
  for (const tag of media) mediaTag(tag, complaints);
  groups(media, complaints);
  for (const variant of playlist.variants) variantRules(variant, media, complaints);
  for (const tag of playlist.tags.filter(({ name }) => name === 'EXT-X-I-FRAME-STREAM-INF')) iFrames(tag, complaints);
  sameShape(playlist.variants, complaints);
  return complaints;
}

function mediaTag({ attributes, line }: Tag, complaints: Complaints): void {
  const where = `line ${line}`;
  const rule = 'RFC 8216 4.3.4.1';
  const get = (name: string): string | undefined => attributes.get(name);
  complaints.check(TYPES.has(get('TYPE') ?? ''), rule, `${where}: TYPE=${get('TYPE')}`);
  for (const name of ['GROUP-ID', 'NAME']) complaints.check((get(name) ?? '') !== '', rule, `${where}: no ${name}`);
  for (const name of ['DEFAULT', 'AUTOSELECT', 'FORCED']) if (attributes.has(name)) complaints.check(YES_NO.has(get(name) ?? ''), rule, `${where}: ${name}=${get(name)}`);
  complaints.check(get('DEFAULT') !== 'YES' || get('AUTOSELECT') !== 'NO', rule, `${where}: DEFAULT without AUTOSELECT`);
  complaints.check(!attributes.has('FORCED') || get('TYPE') === 'SUBTITLES', rule, `${where}: FORCED on ${get('TYPE')}`);
  complaints.check(get('TYPE') !== 'SUBTITLES' || attributes.has('URI'), rule, `${where}: SUBTITLES without URI`);
  complaints.check(get('TYPE') !== 'CLOSED-CAPTIONS' || !attributes.has('URI'), rule, `${where}: CLOSED-CAPTIONS with URI`);
  if (attributes.has('LANGUAGE')) complaints.check(/^[a-zA-Z]{2,8}(-[a-zA-Z0-9]{1,8})*$/.test(get('LANGUAGE') ?? ''), 'RFC 5646', `${where}: LANGUAGE=${get('LANGUAGE')}`);
  if (get('TYPE') === 'AUDIO') complaints.check(/^\d+(\/.*)?$/.test(get('CHANNELS') ?? ''), 'Apple 9.10', `${where}: CHANNELS=${get('CHANNELS')}`);
}

function groups(media: readonly Tag[], complaints: Complaints): void {
  const rule = 'RFC 8216 4.3.4.1.1';
  const byGroup = new Map<string, Tag[]>();
  for (const tag of media) {
    const id = `${tag.attributes.get('TYPE')} ${tag.attributes.get('GROUP-ID')}`;
    byGroup.set(id, [...(byGroup.get(id) ?? []), tag]);
  }
  for (const [id, members] of byGroup) {
    const names = members.map(({ attributes }) => attributes.get('NAME'));
    complaints.check(new Set(names).size === names.length, rule, `${id}: two members have the same NAME`);
    complaints.check(members.filter(({ attributes }) => attributes.get('DEFAULT') === 'YES').length <= 1, rule, `${id}: more than one DEFAULT`);
    const chosen = members.filter(({ attributes }) => attributes.get('AUTOSELECT') === 'YES').map(({ attributes }) => ['LANGUAGE', 'ASSOC-LANGUAGE', 'FORCED', 'CHARACTERISTICS'].map((name) => attributes.get(name) ?? '').join('|'));
    complaints.check(new Set(chosen).size === chosen.length, 'RFC 8216bis 4.4.6.1.1', `${id}: two members that are selected by themselves are alike`);
  }
}

function variantRules(variant: VariantEntry, media: readonly Tag[], complaints: Complaints): void {
  const { attributes, uri } = variant;
  const get = (name: string): string | undefined => attributes.get(name);
  const [bandwidth, average] = [Number(get('BANDWIDTH') ?? 0), Number(get('AVERAGE-BANDWIDTH') ?? 0)];
  complaints.check(bandwidth > 0, 'RFC 8216 4.3.4.2', `${uri}: no BANDWIDTH`);
  complaints.check(average > 0, 'Apple 9.14', `${uri}: no AVERAGE-BANDWIDTH`);
  complaints.check(average <= bandwidth, 'RFC 8216 4.3.4.2', `${uri}: AVERAGE-BANDWIDTH ${average} above BANDWIDTH ${bandwidth}`);
  for (const type of ['AUDIO', 'VIDEO', 'SUBTITLES', 'CLOSED-CAPTIONS']) {
    const group = get(type);
    if (group === undefined || group === 'NONE') continue;
    complaints.check(media.some((tag) => tag.attributes.get('TYPE') === type && tag.attributes.get('GROUP-ID') === group), 'RFC 8216 4.3.4.2', `${uri}: there is no ${type} group “${group}”`);
  }
  const codecs = get('CODECS');
  // MP3 names none: see the gateway's playlist writer.
  if (codecs !== undefined) complaints.check(/^[a-zA-Z0-9.]+(,[a-zA-Z0-9.]+)*$/.test(codecs), 'RFC 6381', `${uri}: CODECS=${codecs}`);
  const isVideo = get('RESOLUTION') !== undefined || /avc|hvc|hev|vp0|av01/.test(codecs ?? '');
  if (!isVideo) return;
  complaints.check(get('RESOLUTION') !== undefined, 'Apple 9.2', `${uri}: no RESOLUTION`);
  complaints.check(Number(get('FRAME-RATE') ?? 0) > 0, 'Apple 9.15', `${uri}: no FRAME-RATE`);
  complaints.check(['SDR', 'PQ', 'HLG'].includes(get('VIDEO-RANGE') ?? ''), 'Apple 9.16', `${uri}: VIDEO-RANGE=${get('VIDEO-RANGE')}`);
}

function iFrames({ attributes, line }: Tag, complaints: Complaints): void {
  const rule = 'RFC 8216 4.3.4.3';
  complaints.check(Number(attributes.get('BANDWIDTH') ?? 0) > 0, rule, `line ${line}: no BANDWIDTH`);
  complaints.check((attributes.get('URI') ?? '') !== '', rule, `line ${line}: no URI`);
  for (const name of ['FRAME-RATE', 'AUDIO', 'SUBTITLES', 'CLOSED-CAPTIONS']) complaints.check(!attributes.has(name), rule, `line ${line}: has ${name}`);
}

/** A player must be able to switch: one shape, within what rounding to even sizes does. */
function sameShape(variants: readonly VariantEntry[], complaints: Complaints): void {
  const sizes = variants.map(({ attributes }) => (attributes.get('RESOLUTION') ?? '').split('x').map(Number)).filter(([width, height]) => width && height);
  const largest = sizes.toSorted(([a = 0], [b = 0]) => b - a)[0];
  for (const [width = 1, height = 1] of sizes) {
    const [wide = 1, high = 1] = largest ?? [];
    const scale = Math.min(width / wide, height / high);
    complaints.check(Math.abs(wide * scale - width) <= 2 && Math.abs(high * scale - height) <= 2, 'Apple 1.33', `${width}x${height} is not the shape of ${wide}x${high}`);
  }
}
