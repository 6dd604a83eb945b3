import { type Complaint, Complaints } from './complaint.ts';
import { multivariantRules } from './hls/multivariant-rules.ts';
import type { VariantEntry } from './hls/parse.ts';
import { playlistAnswer, type RenditionFacts, renditionRules } from './rendition-rules.ts';
import type { RenditionCopy, StreamCopy } from './stream.ts';

/** How much a copy's BANDWIDTH may be off (HLS authoring rules, 1.26 and 1.27). */
const TENTH = 0.1;

/** All rules that a machine can check, on a stream as it was read. Empty when it keeps them. */
export function checkStream(stream: StreamCopy): Complaint[] {
  const complaints = new Complaints();
  complaints.add(multivariantRules(stream.parsed).list);
  complaints.add(playlistAnswer(stream.master, 'master').list);
  const all = stream.renditions.map((copy) => {
    const { complaints: own, facts } = renditionRules(copy);
    complaints.add(own.list);
    return facts;
  });
  acrossRenditions(stream, all, complaints);
  for (const variant of stream.parsed.variants) {
    const main = all.find(({ copy }) => copy.uri === variant.uri);
    if (main !== undefined) variantAgainstMedia(stream, variant, main, soundsOf(stream, variant, all), complaints);
  }
  return complaints.list;
}

function soundsOf({ parsed }: StreamCopy, variant: VariantEntry, all: readonly RenditionFacts[]): RenditionFacts[] {
  const group = variant.attributes.get('AUDIO');
  const uris = new Set(parsed.tags.filter(({ name, attributes }) => name === 'EXT-X-MEDIA' && attributes.get('TYPE') === 'AUDIO' && attributes.get('GROUP-ID') === group).map(({ attributes }) => attributes.get('URI')));
  return all.filter(({ copy }) => copy.uri !== variant.uri && uris.has(copy.uri));
}

const targetOf = ({ parsed }: RenditionCopy): string => parsed.tags.find(({ name }) => name === 'EXT-X-TARGETDURATION')?.value ?? '';

const lengthsOf = ({ copy }: RenditionFacts): number[] => copy.parsed.segments.map(({ durationSeconds }) => durationSeconds);
const total = (facts: RenditionFacts): number => lengthsOf(facts).reduce((sum, one) => sum + one, 0);

function acrossRenditions({ mode }: StreamCopy, all: readonly RenditionFacts[], complaints: Complaints): void {
  const played = all.filter(({ copy }) => copy.kind === 'video' || copy.kind === 'audio');
  complaints.check(new Set(played.map(({ copy }) => targetOf(copy))).size <= 1, 'Apple 8.2', `target durations ${played.map(({ copy }) => targetOf(copy)).join(', ')}`);
  complaints.check(new Set(all.map(({ copy }) => copy.parsed.segments.some(({ discontinuity }) => discontinuity))).size <= 1, 'RFC 8216 6.2.4', 'discontinuities in some renditions alone');
  const videos = played.filter(({ copy }) => copy.kind === 'video');
  const [first] = videos;
  for (const other of videos.slice(1)) complaints.check(first !== undefined && lengthsOf(other).join() === lengthsOf(first).join(), 'Apple 8.22', `${other.copy.uri} is cut elsewhere than ${first?.copy.uri}`);
  for (const other of videos.slice(1)) {
    for (const [n, segment] of other.segments.entries()) {
      const same = first?.segments[n];
      if (!segment || !same || !first?.track || !other.track) continue;
      complaints.check(segment.startTicks * first.track.timescale === same.startTicks * other.track.timescale, 'RFC 8216 6.2.4', `segment ${n} of ${other.copy.uri} begins elsewhere than that of ${first.copy.uri}`);
    }
  }
  if (mode === 'copy' || first === undefined) return;
  // What is encoded lasts as long; a copy's sound lasts as long as it is.
  for (const sound of played.filter(({ copy }) => copy.kind === 'audio')) complaints.check(total(sound) >= total(first) - 0.1, 'Apple 8.7', `${sound.copy.uri} lasts ${total(sound)} s, the pictures ${total(first)} s`);
}

function variantAgainstMedia(stream: StreamCopy, variant: VariantEntry, main: RenditionFacts, sounds: readonly RenditionFacts[], complaints: Complaints): void {
  const { attributes, uri } = variant;
  const { track } = main;
  const codecs = attributes.get('CODECS')?.split(',') ?? null;
  for (const facts of [main, ...sounds.slice(0, 1)]) {
    if (facts.track === null || codecs === null) continue;
    const { codec, format } = facts.track;
    const named = codecs.some((one) => (codec === null ? one.startsWith(format) : one.toLowerCase() === codec.toLowerCase()));
    complaints.check(named, 'Apple 9.1', `${uri}: CODECS=${codecs.join(',')}, ${facts.copy.uri} holds ${codec ?? format}`);
  }
  if (codecs === null) complaints.check([main, ...sounds].some((facts) => facts.copy.init === null), 'Apple 9.1', `${uri}: no CODECS`);
  if (track !== null && track.handler === 'vide') {
    const [width = 0, height = 0] = (attributes.get('RESOLUTION') ?? '').split('x').map(Number);
    complaints.check(Math.abs(track.shownWidth - width) <= 1 && Math.abs(track.shownHeight - height) <= 1, 'Apple 9.2', `${uri}: RESOLUTION=${width}x${height}, the track is ${track.shownWidth}x${track.shownHeight}`);
    if (track.sps !== null) complaints.check(track.sps.width === track.width && track.sps.height === track.height, 'CMAF init', `${uri}: the SPS is ${track.sps.width}x${track.sps.height}, the sample entry ${track.width}x${track.height}`);
    frameRate(variant, main, complaints);
  }
  bandwidth(stream, variant, main, sounds, complaints);
}

function frameRate({ attributes, uri }: VariantEntry, { segments, track }: RenditionFacts, complaints: Complaints): void {
  const durations = segments.flatMap((segment) => segment?.samples.map(({ durationTicks }) => durationTicks) ?? []);
  if (track === null || durations.length === 0) return;
  const declared = Number(attributes.get('FRAME-RATE') ?? 0);
  const measured = (durations.length * track.timescale) / durations.reduce((sum, ticks) => sum + ticks, 0);
  const isConstant = Math.max(...durations) - Math.min(...durations) <= Math.max(1, track.timescale / 500);
  if (isConstant) complaints.check(Math.abs(declared - measured) / measured < 0.01, 'Apple 9.15', `${uri}: FRAME-RATE=${declared}, measured ${measured.toFixed(3)}`);
  else complaints.check(declared >= measured * 0.98, 'Apple 9.15', `${uri}: FRAME-RATE=${declared}, on average ${measured.toFixed(3)}`);
}

/** Declared against what was read, when all of it was read. */
function bandwidth({ mode }: StreamCopy, { attributes, uri }: VariantEntry, main: RenditionFacts, sounds: readonly RenditionFacts[], complaints: Complaints): void {
  if ([main, ...sounds].some(({ copy }) => copy.segments.some((segment) => segment === null))) return;
  const declared = Number(attributes.get('BANDWIDTH') ?? 0);
  const peak = peakOf(main.copy) + Math.max(0, ...sounds.map(({ copy }) => peakOf(copy)));
  const figures = `BANDWIDTH=${declared}, measured ${Math.round(peak)}`;
  if (mode === 'encoded') complaints.check(peak <= declared, 'RFC 8216 4.3.4.2', `${uri}: ${figures}`);
  else complaints.check(Math.abs(peak - declared) <= declared * TENTH, 'Apple 1.27', `${uri}: ${figures}`);
  if (mode === 'encoded') return;
  const average = averageOf(main.copy) + Math.max(0, ...sounds.map(({ copy }) => averageOf(copy)));
  const said = Number(attributes.get('AVERAGE-BANDWIDTH') ?? 0);
  complaints.check(Math.abs(average - said) <= said * TENTH, 'Apple 1.26', `${uri}: AVERAGE-BANDWIDTH=${said}, measured ${Math.round(average)}`);
}

const bitsOf = (copy: RenditionCopy, from: number, end: number): number => copy.segments.slice(from, end).reduce((sum, segment) => sum + (segment?.bytes.length ?? 0) * 8, 0);
const secondsOf = (copy: RenditionCopy, from: number, end: number): number => copy.parsed.segments.slice(from, end).reduce((sum, { durationSeconds }) => sum + durationSeconds, 0);
const averageOf = (copy: RenditionCopy): number => bitsOf(copy, 0, copy.segments.length) / Math.max(0.001, secondsOf(copy, 0, copy.segments.length));

/** RFC 8216, 4.1: the largest bit rate of segments in a row that last between 0.5 and 1.5 target durations together. */
function peakOf(copy: RenditionCopy): number {
  const target = Number(targetOf(copy));
  let peak = 0;
  for (let from = 0; from < copy.segments.length; from += 1) {
    for (let end = from + 1; end <= copy.segments.length; end += 1) {
      const seconds = secondsOf(copy, from, end);
      if (seconds > target * 1.5) break;
      if (seconds >= target * 0.5) peak = Math.max(peak, bitsOf(copy, from, end) / seconds);
    }
  }
  return peak === 0 ? averageOf(copy) : peak;
}
