/** Plays one difficult source in every way there is for it, and says what is wrong. */
import { checkStream } from './check-stream.ts';
import type { Film, Station } from './station.ts';
import { type Get, readStream, type StreamCopy } from './stream.ts';
import { beepsIn, flashDue, flashesIn } from './sync.ts';
import type { Animal } from './zoo.ts';

const AUDIO_FRAME = 1_024 / 44_100;
const FASTEST = 60;

/** Lines, none when it plays right or is refused as it should be. */
export async function visit(animal: Animal, film: Film, station: Station): Promise<string[]> {
  const { video, playback, encodedUrl, copyUrl } = film;
  const { get } = station;
  if (playback.mode === 'none' || video.valid === false) {
    const reason = video.invalidReason ?? playback.reason;
    return animal.refused?.test(reason) === true ? [] : [`refused: ${reason}`];
  }
  const wrong: string[] = [];
  if (encodedUrl === null) wrong.push('it cannot be encoded');
  else wrong.push(...(await play(animal, encodedUrl, 'encoded', get)).map((line) => `encoded: ${line}`));
  // Its place is for the next one: the node has few.
  await station.endStreams(video.id);
  if (copyUrl !== null) wrong.push(...(await play(animal, copyUrl, 'copy', get)).map((line) => `copied: ${line}`));
  return wrong;
}

const numberIn = (uri: string): number => Number(uri.replace(/\D/g, ''));
const lowest = (uris: string[]): string => uris.toSorted((a, b) => numberIn(a) - numberIn(b))[0] ?? '';

async function play(animal: Animal, url: string, mode: StreamCopy['mode'], get: Get): Promise<string[]> {
  // All of the lowest rung and of the sound; the rest of the ladder costs the same time again.
  const master = await readStream(get, url, { mode, wanted: () => false });
  if (master.master.status !== 200) return [`master playlist answered ${master.master.status}`];
  const rung = lowest(master.parsed.variants.map(({ uri }) => uri).filter((uri) => /^[hv]/.test(uri)));
  const stream = await readStream(get, url, { mode, wanted: (uri) => uri === rung || uri.startsWith('a') });
  const wrong = checkStream(stream).map(({ rule, detail }) => `${rule}: ${detail}`);
  if (wrong.some((line) => line.startsWith('HTTP'))) return wrong;
  return [...wrong, ...shape(animal, stream), ...(await places(animal, stream, mode))];
}

function shape({ clip, shown }: Animal, { parsed }: StreamCopy): string[] {
  const [wide = 320, high = 180] = shown ?? (clip.size ?? '320x180').split('x').map(Number);
  return parsed.variants.flatMap(({ attributes, uri }) => {
    const resolution = attributes.get('RESOLUTION');
    if (resolution === undefined) return [];
    const [width = 0, height = 0] = resolution.split('x').map(Number);
    const scale = Math.min(width / wide, height / high);
    const fits = Math.abs(wide * scale - width) <= 2 && Math.abs(high * scale - height) <= 2;
    return [...(fits ? [] : [`${uri} is ${resolution}, the source ${wide}x${high}`]), ...(width > wide + 1 || height > high + 1 ? [`${uri} is larger than its source`] : [])];
  });
}

async function places(animal: Animal, stream: StreamCopy, mode: StreamCopy['mode']): Promise<string[]> {
  const wrong: string[] = [];
  const { clip, slackSeconds = 0, seconds = clip.seconds, flashes = whole(seconds), beeps = whole(seconds) } = animal;
  const rate = clip.rate ?? '25';
  const frame = 1 / Math.min(FASTEST, valueOf(rate));
  const video = windowOf(stream, 'video');
  const audio = windowOf(stream, 'audio');
  if (flashes.length > 0 && video === null) wrong.push('no pictures');
  if (beeps.length > 0 && audio === null) wrong.push('no sound');
  if (video !== null && clip.videoFilter !== null) {
    const found = await flashesIn(video).catch((error: unknown) => String(error));
    if (typeof found === 'string') return [...wrong, found];
    const length = lengthOf(stream, 'video');
    if (Number.isFinite(seconds) && Math.abs(length - seconds) > Math.max(frame, 0.05) + 1e-6) wrong.push(`lasts ${length} s, not ${seconds}`);
    if (mode === 'encoded' && found.pictures !== Math.round(length / frameOf(stream))) wrong.push(`${found.pictures} pictures in ${length} s`);
    for (const second of flashes) {
      const due = flashDue(second, rate);
      if (!found.times.some((at) => Math.abs(at - due) <= frame / 2 + slackSeconds + 1e-4)) wrong.push(`flash of second ${second} seen at ${list(found.times)}`);
    }
  }
  if (audio !== null && beeps.length > 0) {
    const found = await beepsIn(audio).catch((error: unknown) => String(error));
    if (typeof found === 'string') return [...wrong, found];
    for (const second of beeps) if (!found.some((at) => Math.abs(at - second) <= AUDIO_FRAME)) wrong.push(`beep of second ${second} heard at ${list(found)}`);
  }
  return wrong;
}

const whole = (seconds: number): number[] => Array.from({ length: Math.max(0, Math.floor(seconds) - 1) }, (_, second) => second);
const list = (times: readonly number[]): string => times.map((at) => at.toFixed(3)).join(' ');
const valueOf = (rate: string): number => Number(rate.split('/')[0]) / Number(rate.split('/')[1] ?? 1);

function windowOf(stream: StreamCopy, kind: 'video' | 'audio'): { init: Uint8Array; segments: Uint8Array[] } | null {
  const rendition = stream.renditions.find((candidate) => candidate.kind === kind && candidate.init !== null);
  return rendition?.init ? { init: rendition.init.bytes, segments: rendition.segments.map((segment) => segment?.bytes ?? new Uint8Array()) } : null;
}

const lengthOf = (stream: StreamCopy, kind: 'video' | 'audio'): number =>
  Math.round((stream.renditions.find((candidate) => candidate.kind === kind)?.parsed.segments.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0) ?? 0) * 1e5) / 1e5;
const frameOf = (stream: StreamCopy): number => 1 / Number(stream.parsed.variants[0]?.attributes.get('FRAME-RATE') ?? 1);
