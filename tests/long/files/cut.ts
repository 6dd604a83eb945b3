/** A file as the gateway cuts it, against every rule and against what ffmpeg shows of the file itself. */
import { writeFile } from 'node:fs/promises';
import type { MediaPackage } from '../../../gateway/src/packaging/package.ts';
import { checkStream } from '../../conformance/check-stream.ts';
import { initRules } from '../../conformance/mp4/init.ts';
import { segmentRules } from '../../conformance/mp4/segment.ts';
import { readStream, type RenditionCopy, type Resource, type StreamCopy } from '../../conformance/stream.ts';
import { bareMp3, packetsOf, picturesOf, type Shown, soundComplaints } from './original.ts';

/** Containers round times to milliseconds. */
const TOLERANCE_SECONDS = 0.002;
const LONGEST_LOSS_SECONDS = 0.065;
const MAX_LINES = 8;
const BITRATES = new Set(['Apple 1.26', 'Apple 1.27']);

const HEADERS = { 'content-encoding': 'gzip', 'cache-control': 'immutable', etag: '"x"' };
const SERVER = 'http://package/';

/** Answers as the stream routes do. */
async function answer(pack: MediaPackage, url: string): Promise<Resource> {
  const [id = '', name = ''] = url.slice(SERVER.length).split('/');
  const text = (body: string): Resource => resource(url, new TextEncoder().encode(body), 'application/vnd.apple.mpegurl');
  if (id === 'master.m3u8') return text(pack.masterPlaylist());
  if (name === 'index.m3u8') return text(id === 'i0' ? pack.iframePlaylist({ pieces: '', init: '../v0/init.mp4' }) : pack.mediaPlaylist(id));
  const type = pack.renditions.find((rendition) => rendition.id === id)?.contentType ?? 'video/mp4';
  const n = Number.parseInt(name, 10);
  return resource(url, await (name === 'init.mp4' ? pack.init(id) : id === 'i0' ? pack.iframe(n) : pack.segment(id, n)), type);
}

const resource = (url: string, bytes: Uint8Array, type: string): Resource => ({ url, status: 200, redirected: false, headers: new Map(Object.entries({ ...HEADERS, 'content-type': type })), bytes });

export interface CutCheck {
  segments: number;
  /** Empty when all is right. */
  wrong: string[];
  /** What is no fault, but worth knowing. */
  notes: string[];
}

/** Reads and checks everything. What cutting throws is a broken promise. */
export async function checkCut(pack: MediaPackage, path: string, scratch: string, lenient: boolean): Promise<CutCheck> {
  const check: CutCheck = { segments: 0, wrong: [], notes: [] };
  let stream: StreamCopy;
  try {
    stream = await readStream((url) => answer(pack, url), `${SERVER}master.m3u8`, { mode: 'copy' });
  } catch (error) {
    check.wrong.push(`cutting: ${error instanceof Error ? `${Reflect.get(error, 'code') ?? error.name}: ${error.message}` : String(error)}`);
    return check;
  }
  check.segments = stream.renditions.reduce((sum, { segments }) => sum + segments.length, 0);
  // In clips this small headers weigh as much as pictures, and a bitrate says little.
  for (const { rule, detail } of checkStream(stream)) (BITRATES.has(rule) ? check.notes : check.wrong).push(`${rule}: ${detail}`);
  if (!lenient) for (const copy of stream.renditions) await checkRendition(pack, copy, path, scratch, check);
  if (check.wrong.length > MAX_LINES) check.wrong.splice(MAX_LINES, Infinity, `and ${check.wrong.length - MAX_LINES} more`);
  return check;
}

async function checkRendition(pack: MediaPackage, copy: RenditionCopy, path: string, scratch: string, check: CutCheck): Promise<void> {
  const id = copy.uri.split('/')[0] ?? '';
  const rendition = pack.renditions.find((candidate) => candidate.id === id);
  if (rendition === undefined) return;
  const say = (line: string): void => void check.wrong.push(`${id}: ${line}`);
  const bytes = copy.segments.map((segment) => segment?.bytes ?? new Uint8Array());
  if (copy.init === null) {
    const source = await bareMp3(path, rendition.stream.index);
    const ours = Buffer.concat(bytes.map((one) => one.subarray(10 + sizeOfId3(one))));
    const at = source.indexOf(ours);
    if (at < 0) say('its MP3 frames are not those of the file');
    else if (source.length - at - ours.length > 3_000) say(`${source.length - at - ours.length} bytes of MP3 are missing at the end`);
    return;
  }
  const whole = `${scratch}/${id}.mp4`;
  await writeFile(whole, Buffer.concat([copy.init.bytes, ...bytes]));
  if (copy.kind === 'video') {
    const original = await picturesOf(path, rendition.stream.index);
    const ours = await picturesOf(whole, 0);
    if (ours.complaints !== '' && original.complaints === '') say(`the decoder complains: ${ours.complaints.slice(0, 200)}`);
    const due = dueTimes(copy);
    if (due.length !== ours.list.length && original.complaints === '') say(`${due.length} pictures in the boxes, ${ours.list.length} decoded`);
    compare(ours.list.map(({ hash }, i) => ({ hash, seconds: due[i] ?? Number.NaN })), original.list, pack.originSeconds, say, check, 'pictures');
    if (original.complaints === '') await eachAlone(copy, ours.list.map(({ hash }) => hash), scratch, say);
    return;
  }
  const original = await packetsOf(path, rendition.stream.index, rendition.stream.codec === 'aac' && rendition.stream.extradata === null);
  const ours = await packetsOf(whole, 0, false);
  compare(ours.list, original.list, pack.originSeconds, say, check, 'sound frames');
  const complaints = await soundComplaints(whole);
  if (complaints !== '' && (await soundComplaints(path)) === '') say(`the decoder complains of the sound: ${complaints.slice(0, 200)}`);
}

const sizeOfId3 = (bytes: Uint8Array): number => ((bytes[6] ?? 0) << 21) | ((bytes[7] ?? 0) << 14) | ((bytes[8] ?? 0) << 7) | (bytes[9] ?? 0);

function dueTimes({ init, segments }: RenditionCopy): number[] {
  const { track } = initRules(init?.bytes ?? new Uint8Array(), 'init');
  if (track === null) return [];
  return segments.flatMap((segment) => {
    const { facts } = segmentRules(segment?.bytes ?? new Uint8Array(), track, '');
    let due = facts?.startTicks ?? 0;
    return (facts?.samples ?? []).map(({ durationTicks, offsetTicks }) => {
      due += durationTicks;
      return (due - durationTicks + offsetTicks) / track.timescale;
    });
  }).toSorted((a, b) => a - b);
}

/** Ours against the original: same content at the same time, nothing missing, nothing added. */
function compare(ours: readonly Shown[], original: readonly Shown[], origin: number, say: (line: string) => void, check: CutCheck, what: string): void {
  const times = original.map(({ seconds }) => seconds - origin);
  const [first, last] = [ours[0]?.seconds ?? 0, ours.at(-1)?.seconds ?? 0];
  let [other, alone, worst] = [0, 0, 0];
  for (const { seconds, hash } of ours) {
    const near = times.flatMap((time, i) => (Math.abs(time - seconds) <= TOLERANCE_SECONDS * 10 ? [i] : []));
    const apart = near.filter((i) => original[i]?.hash === hash).map((i) => Math.abs((times[i] ?? 0) - seconds));
    if (apart.length > 0) worst = Math.max(worst, Math.min(...apart));
    else if (near.some((i) => Math.abs((times[i] ?? 0) - seconds) <= TOLERANCE_SECONDS)) other += 1;
    else alone += 1;
  }
  const within = times.filter((time) => time >= first - TOLERANCE_SECONDS && time <= last + TOLERANCE_SECONDS).length;
  const late = times.filter((time) => time > last + TOLERANCE_SECONDS).length;
  const early = times.filter((time) => time < first - TOLERANCE_SECONDS);
  if (other > 0) say(`${other} of ${ours.length} ${what} are not those of the file`);
  if (alone > 0) say(`${alone} of ${ours.length} ${what} are where the file has none`);
  if (worst > TOLERANCE_SECONDS) say(`${what} are up to ${(worst * 1000).toFixed(1)} ms from their place`);
  if (within > ours.length) say(`${within - ours.length} ${what} are missing in the middle`);
  if (late > 0) say(`${late} ${what} are missing at the end`);
  const lost = first - Math.min(...early, first);
  if (lost > LONGEST_LOSS_SECONDS) check.notes.push(`${what}: the first ${lost.toFixed(2)} s are left out`);
}

/** A player that seeks begins with any of them. */
async function eachAlone(copy: RenditionCopy, hashes: readonly string[], scratch: string, say: (line: string) => void): Promise<void> {
  let done = 0;
  for (const [n, segment] of copy.segments.entries()) {
    await writeFile(`${scratch}/alone.mp4`, Buffer.concat([copy.init?.bytes ?? new Uint8Array(), segment?.bytes ?? new Uint8Array()]));
    const { list, complaints } = await picturesOf(`${scratch}/alone.mp4`, 0);
    if (complaints !== '' && n > 0) say(`segment ${n} alone: ${complaints.slice(0, 160)}`);
    const wrong = list.filter(({ hash }, i) => hash !== hashes[done + i]).length;
    if (wrong > 0) say(`segment ${n} alone shows ${wrong} of ${list.length} pictures otherwise`);
    done += list.length;
  }
}
