import { PacketFlag } from '@reelay/contracts';
import { parseAdts } from './bitstream/adts.ts';
import { H264Nal, h264NalType, parseH264Sps, type AvcConfig, type VideoLimits } from './bitstream/h264.ts';
import { HevcNal, hevcNalType, parseHevcSps, type HevcConfig } from './bitstream/hevc.ts';
import { isWhole, joinLengthPrefixed, splitAnnexB, splitLengthPrefixed } from './bitstream/nal.ts';
import { NotRemuxableError, ParameterSetsChangedError, SourceChangedError } from './errors.ts';
import type { CodecConfig } from './fmp4/codec-config.ts';
import type { Sample } from './fmp4/media-segment.ts';
import { presentationTicks, soundTimes, type PlannedSegment, type TrackPlan } from './segment-plan.ts';

// From the packets of a file to the samples of a segment.
//
// Decode times are not taken from the file (Matroska has none, MPEG-TS starts anywhere): a closed group shows exactly the
// pictures it decodes, so its presentation times, sorted, are a decode timeline that starts at the smallest one and ends
// where the next segment starts. Composition offsets against it are signed.

/** Makes the samples of a segment from its packets in decode order. */
export function makeSamples(plan: TrackPlan, segment: PlannedSegment, config: CodecConfig, packets: readonly Uint8Array[]): Sample[] {
  return plan.track.kind === 'video' ? videoSamples(plan, segment, config, packets) : audioSamples(plan, segment, config, packets);
}

function videoSamples(plan: TrackPlan, segment: PlannedSegment, config: CodecConfig, packets: readonly Uint8Array[]): Sample[] {
  const shown = packets.map((_, i) => presentationTicks(plan, segment.first + i));
  const decoded = increasing(Float64Array.from(shown).toSorted());
  return packets.map((packet, i) => {
    const isSync = ((plan.track.flags[segment.first + i] ?? 0) & PacketFlag.idr) !== 0;
    const decodeTicks = decoded[i] ?? 0;
    return {
      data: videoData(packet, config, isSync),
      durationTicks: (decoded[i + 1] ?? segment.endTicks) - decodeTicks,
      compositionOffsetTicks: (shown[i] ?? 0) - decodeTicks,
      isSync,
    };
  });
}

/** Of two pictures due at the same time the later one is decoded a tick later: each lasts something. */
function increasing(times: Float64Array): Float64Array {
  for (let i = 1; i < times.length; i += 1) times[i] = Math.max(times[i] ?? 0, (times[i - 1] ?? 0) + 1);
  return times;
}

function audioSamples(plan: TrackPlan, segment: PlannedSegment, config: CodecConfig, packets: readonly Uint8Array[]): Sample[] {
  const times = soundTimes(plan.track, segment.first, segment.end, segment.startTicks / plan.track.timeBase.num + plan.originTicks).map((pts) => (pts - plan.originTicks) * plan.track.timeBase.num);
  return packets.map((packet, i) => ({
    data: config.adts ? withoutAdts(packet) : packet,
    durationTicks: (times[i + 1] ?? segment.endTicks) - (times[i] ?? 0),
    compositionOffsetTicks: 0,
    isSync: true,
  }));
}

function withoutAdts(packet: Uint8Array): Uint8Array {
  const header = parseAdts(packet);
  if (!header) throw new SourceChangedError('A sound frame is not where the index says.');
  return packet.subarray(header.headerBytes, header.frameBytes);
}

/** Pictures may be torn: a length that points past the end of one would stop the player, what is left of it only shows. */
function videoData(packet: Uint8Array, config: CodecConfig, isSync: boolean): Uint8Array {
  const { avc, hevc, annexB } = config;
  if (!avc && !hevc) return packet;
  const lengthSize = (avc ?? hevc)?.lengthSize ?? 4;
  if (!annexB && !isSync && lengthSize === 4 && isWhole(packet)) return packet;
  const units = (annexB ? splitAnnexB(packet) : splitLengthPrefixed(packet, lengthSize, true)) ?? [];
  if (units.length === 0) return joinLengthPrefixed([avc ? H264_FILLER : HEVC_FILLER]);
  return joinLengthPrefixed(avc ? avcUnits(units, avc, isSync) : hevc ? hevcUnits(units, hevc, isSync) : units);
}

/** In the place of a picture of which nothing is left: a unit without meaning. */
const H264_FILLER = Uint8Array.of(H264Nal.filler, 0xff, 0x80);
const HEVC_FILLER = Uint8Array.of(HevcNal.filler << 1, 1, 0xff, 0x80);

/** Units that mean nothing inside a sample. */
const DROPPED: ReadonlySet<number> = new Set([H264Nal.delimiter, H264Nal.endOfSequence, H264Nal.endOfStream, H264Nal.filler]);

/** What goes into an H.264 sample; a sync sample carries its parameter sets. */
function avcUnits(all: readonly Uint8Array[], config: AvcConfig, isSync: boolean): Uint8Array[] {
  const units = all.filter((unit) => !DROPPED.has(h264NalType(unit)));
  if (!isSync) return units;
  if (!units.some((unit) => h264NalType(unit) === H264Nal.idr)) {
    throw new NotRemuxableError('A keyframe is no clean place to start (not an IDR picture).');
  }
  const carried = units.filter((unit) => h264NalType(unit) === H264Nal.sps);
  checkLimits(config.sps.map(parseH264Sps), carried.map(parseH264Sps));
  const missing = [
    ...(carried.length > 0 ? [] : config.sps),
    ...(units.some((unit) => h264NalType(unit) === H264Nal.pps) ? [] : config.pps),
  ];
  // A PPS refers to an SPS, so one carried alone must follow the one put in.
  return carried.length > 0 ? [...carried, ...missing, ...units.filter((unit) => !carried.includes(unit))] : [...missing, ...units];
}

function ofType(units: readonly Uint8Array[], type: number): Uint8Array[] {
  return units.filter((unit) => hevcNalType(unit) === type);
}

/** What goes into an HEVC sample; a sync sample carries its parameter sets. */
function hevcUnits(units: readonly Uint8Array[], config: HevcConfig, isSync: boolean): Uint8Array[] {
  if (!isSync) return units.filter((unit) => hevcNalType(unit) !== HevcNal.delimiter);
  checkLimits(ofType(config.sets, HevcNal.sps).map(parseHevcSps), ofType(units, HevcNal.sps).map(parseHevcSps));
  const missing = config.sets.filter((set) => ofType(units, hevcNalType(set)).length === 0);
  return [...missing, ...units.filter((unit) => hevcNalType(unit) !== HevcNal.delimiter)];
}

/** Whether a picture keeps to what the init segment says. @throws ParameterSetsChangedError */
export function checkParameterSets(packet: Uint8Array, { avc, hevc, annexB }: CodecConfig): void {
  const config = avc ?? hevc;
  const units = config === null ? null : annexB ? splitAnnexB(packet) : splitLengthPrefixed(packet, config.lengthSize, true);
  if (!units) return;
  if (avc) checkLimits(avc.sps.map(parseH264Sps), units.filter((unit) => h264NalType(unit) === H264Nal.sps).map(parseH264Sps));
  if (hevc) checkLimits(ofType(hevc.sets, HevcNal.sps).map(parseHevcSps), ofType(units, HevcNal.sps).map(parseHevcSps));
}

/** A player has prepared its decoder for what the init segment says; more than that stops it with a decode error, another size is shown in the wrong shape. */
function checkLimits(promised: readonly VideoLimits[], carried: readonly VideoLimits[]): void {
  for (const found of carried) {
    const fits = promised.some((limit) =>
      found.profile === limit.profile && found.level <= limit.level && found.width === limit.width && found.height === limit.height);
    if (!fits) {
      throw new ParameterSetsChangedError('The pictures change their profile, level or size in the middle.', { promised, found });
    }
  }
}
