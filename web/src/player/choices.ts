/** What the menus of the player offer, and what is chosen when nobody has chosen yet. Pure. */
import type { Playback, PlaybackAudioTrack, PlaybackRendition, PlaybackSubtitle } from '@reelay/contracts';
import { bitrate } from '../model/format.ts';
import { languageName, sameLanguage } from './languages.ts';

/** The encoded rungs, by bandwidth. */
export const AUTO = 'auto';
/** The file's own pictures. */
export const ORIGINAL = 'original';
export const OFF = 'off';

export interface Choice {
  readonly id: string;
  readonly label: string;
  readonly detail: string | null;
}

/** A rung of the same height is worth offering beside the original only when it is this much smaller. */
const WORTH = 0.8;

const isOwn = ({ mode }: PlaybackRendition): boolean => mode === 'copy';
const detailOf = ({ kbps }: PlaybackRendition): string | null => (kbps === null ? null : bitrate(kbps));

/** Qualities, the best first. `picks` false: the browser's own player chooses among rungs by itself. */
export function qualityChoices({ mode, renditions, ladderUrl }: Playback, picks: boolean): Choice[] {
  const own = renditions.find(isOwn);
  const rungs = picks ? renditions.filter((rendition) => !isOwn(rendition) && isWorthIt(rendition, own)) : [];
  const encoded: Choice[] = rungs.map((rung) => ({ id: rung.id, label: rung.label, detail: detailOf(rung) }));
  const auto: Choice = { id: AUTO, label: 'Auto', detail: 'As the connection allows' };
  if (mode === 'transcode') return [auto, ...encoded];
  const original: Choice = { id: ORIGINAL, label: own === undefined || own.label === 'Original' ? 'Original' : `Original (${own.label})`, detail: own === undefined ? null : detailOf(own) };
  return ladderUrl === null ? [original] : [original, auto, ...encoded];
}

function isWorthIt(rung: PlaybackRendition, own: PlaybackRendition | undefined): boolean {
  if (own?.height === undefined || own.height === null || rung.height === null || rung.height < own.height) return true;
  return own.kbps !== null && rung.kbps !== null && rung.kbps < own.kbps * WORTH;
}

/** What the button says: `Auto (720p)`, `720p`, `Original`. */
export function qualityShown({ renditions }: Playback, quality: string, playing: string | null): string {
  const label = renditions.find(({ id }) => id === (quality === AUTO ? playing : quality))?.label ?? null;
  if (quality === AUTO) return label === null ? 'Auto' : `Auto (${label})`;
  return quality === ORIGINAL ? 'Original' : label ?? quality;
}

export const firstQuality = ({ mode }: Playback): string => (mode === 'transcode' ? AUTO : ORIGINAL);

const CHANNELS: Readonly<Record<number, string>> = { 1: 'Mono', 2: 'Stereo', 6: '5.1', 8: '7.1' };

export const audioChoices = (tracks: readonly PlaybackAudioTrack[]): Choice[] => tracks.map(({ id, label, language, codec, channels }) => ({
  id, label: nameOf(label, language), detail: [codec.toUpperCase(), channels === null ? null : CHANNELS[channels] ?? `${channels} channels`].filter((part) => part !== null).join(' '),
}));

export const subtitleChoices = (subtitles: readonly PlaybackSubtitle[]): Choice[] => [
  { id: OFF, label: 'Off', detail: null },
  ...subtitles.map(({ id, label, language, isForced }) => ({ id, label: nameOf(label, language), detail: isForced ? 'Forced: only what the film’s own language leaves open' : null })),
];

/** The title of a track, with its language when the title does not say it. */
function nameOf(label: string, language: string | null): string {
  const name = languageName(language);
  if (name === null || label.toLowerCase().includes(name.toLowerCase())) return label;
  return label === language ? name : `${label} (${name})`;
}

/** The track to begin with: the language that was chosen last, else the file's own choice. Null: no sound. */
export const firstAudio = (tracks: readonly PlaybackAudioTrack[], language: string | null): PlaybackAudioTrack | null =>
  tracks.find((track) => sameLanguage(track.language, language)) ?? tracks.find(({ isDefault }) => isDefault) ?? tracks[0] ?? null;

/** The subtitles to begin with. `wanted` null: nobody has chosen yet; then only forced ones of the sound's language are shown. */
export function firstSubtitle(subtitles: readonly PlaybackSubtitle[], wanted: string | null, audioLanguage: string | null): PlaybackSubtitle | null {
  if (wanted === OFF) return null;
  if (wanted === null) return subtitles.find(({ isForced, language }) => isForced && (language === null || audioLanguage === null || sameLanguage(language, audioLanguage))) ?? null;
  const matching = subtitles.filter(({ language }) => sameLanguage(language, wanted));
  return matching.find(({ isForced }) => !isForced) ?? matching[0] ?? null;
}

const SPEEDS = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3] as const;
export const speedChoices = (): Choice[] => SPEEDS.map((speed) => ({ id: String(speed), label: speed === 1 ? 'Normal' : `${speed}×`, detail: null }));

/** The next speed up or down. */
export function speedAfter(speed: number, steps: 1 | -1): number {
  const next = steps > 0 ? SPEEDS.find((value) => value > speed + 0.001) : SPEEDS.findLast((value) => value < speed - 0.001);
  return next ?? (steps > 0 ? SPEEDS[SPEEDS.length - 1] ?? 1 : SPEEDS[0]);
}
