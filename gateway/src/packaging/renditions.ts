import { mainStream, type MediaInfo, type MediaStream, type PacketIndex } from '@reelay/contracts';
import { fitsSegments } from './codec-support.ts';
import { planIframes } from './iframes.ts';
import { NotRemuxableError } from './errors.ts';
import { READABLE_CONTAINERS } from './reader/packet-reader.ts';
import { type PlannedSegment, planSteps, type TrackPlan } from './segment-plan.ts';

/** One playlist of the package: `v0` the pictures, `a0`, `a1`, … the sound tracks in the file's order. */
export interface Rendition {
  readonly id: string;
  readonly stream: MediaStream;
  readonly plan: TrackPlan;
}

export interface RenditionSet {
  readonly video: Rendition | null;
  readonly audio: readonly Rendition[];
  /** The keyframes alone, for winding. */
  readonly iframes: readonly PlannedSegment[];
  readonly targetDurationSeconds: number;
}

/** Chooses the streams that become renditions and plans their segments. Throws {@link NotRemuxableError}. */
export function planRenditions(info: MediaInfo, index: PacketIndex): RenditionSet {
  const steps = renditionSteps(info, index);
  for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value;
}

/** As {@link planRenditions}, with a yield after every few milliseconds of work. */
export function* renditionSteps(info: MediaInfo, index: PacketIndex): Generator<void, RenditionSet> {
  if (!READABLE_CONTAINERS.has(info.container)) throw new NotRemuxableError('The container cannot be repackaged.', { container: info.container });
  const video = mainStream(info, 'video');
  if (video && !fitsSegments(info.container, video)) throw new NotRemuxableError(`${video.codec} cannot be repackaged.`, { codec: video.codec });
  const sounds = info.streams.filter((stream) => stream.kind === 'audio' && fitsSegments(info.container, stream));
  if (sounds.length === 0 && info.streams.some(({ kind }) => kind === 'audio')) throw new NotRemuxableError('None of the sound can be repackaged.');
  const trackOf = (stream: MediaStream) => index.tracks.find((track) => track.streamIndex === stream.index && track.count > 0);
  const videoTrack = video ? trackOf(video) : undefined;
  if (video && !videoTrack) throw new NotRemuxableError('The video stream holds no pictures.');
  const plan = yield* planSteps(videoTrack ?? null, sounds.map(trackOf).filter((track) => track !== undefined));
  const audio = plan.audio.flatMap((trackPlan) => {
    const stream = sounds.find((candidate) => candidate.index === trackPlan.track.streamIndex);
    return stream ? [{ stream, plan: trackPlan }] : [];
  });
  const pictures = video && plan.video ? { id: 'v0', stream: video, plan: plan.video } : null;
  const iframes = pictures ? planIframes(pictures) : [];
  yield;
  return {
    video: pictures, iframes,
    audio: audio.map(({ stream, plan: trackPlan }, i) => ({ id: `a${i}`, stream, plan: trackPlan })),
    targetDurationSeconds: plan.targetDurationSeconds,
  };
}

/** All renditions, the video first. */
export function allRenditions(set: RenditionSet): Rendition[] {
  return [...(set.video ? [set.video] : []), ...set.audio];
}

/** Whether its segments are bare frames (MP3) and not MP4. */
export function isPacked(rendition: Rendition): boolean {
  return rendition.stream.codec === 'mp3';
}
