/** Pictures and sound changed all the time, in two players, on what is cut and what is encoded: nothing may be missing, late or out of step. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { beepsIn, flashDue, flashesIn, makeSyncClip } from '../conformance/sync.ts';
import { openPlayer, type PlayerName } from '../conformance/player-page.ts';
import { Pieces, Station } from '../conformance/station.ts';
import { initRules, type Track } from '../conformance/mp4/init.ts';
import { segmentRules } from '../conformance/mp4/segment.ts';
import { openBrowser, type TestBrowser } from '../e2e/browser.ts';
import { playAndSwitch, type Switched } from './switching/page.ts';

const run = promisify(execFile);
const FFMPEG = process.env['FFMPEG_PATH'] ?? 'ffmpeg';
const SECONDS = 60;
const RATE = '25';
/** The third track has no packet before this. */
const LATE_SECONDS = 3.2;
const MOST_SEAMS = 24;
const SRT = Array.from({ length: 20 }, (_, i) => `${i + 1}\n00:00:${String(i * 3).padStart(2, '0')},000 --> 00:00:${String(i * 3 + 1).padStart(2, '0')},000\nline ${i}\n`).join('\n');

let station: Station;
let browser: TestBrowser;
const urls = new Map<string, string>();

/** A flash and a beep each second; English in stereo, German in 5.1, French that begins late; subtitles. */
const makeFilm = async (name: string, video: string[], audio: string[]): Promise<string> => {
  const clip = await makeSyncClip(station.at(`sync-${name}.mkv`), { seconds: SECONDS, rate: RATE, size: '640x360', codecs: [...video, '-c:a', 'pcm_s16le'] });
  await writeFile(station.at('film.srt'), SRT);
  const path = station.at(name);
  const late = station.at(`late-${name}.mkv`);
  await run(FFMPEG, ['-nostdin', '-v', 'error', '-y', '-i', clip, '-map', '0:a', '-af', `atrim=start=${LATE_SECONDS}`, '-c:a', 'pcm_s16le', '-copyts', late]);
  await run(FFMPEG, ['-nostdin', '-v', 'error', '-y', '-copyts', '-i', clip, '-i', late, '-i', station.at('film.srt'), '-map', '0:v', '-map', '0:a', '-map', '0:a', '-map', '1:a', '-map', '2', '-c:v', 'copy', ...audio,
    '-ac:a:0', '2', '-filter:a:1', 'pan=5.1|FL=c0|FR=c0|FC=c0|LFE=c0|BL=c0|BR=c0', '-ac:a:2', '2', '-c:s', 'srt',
    '-metadata:s:a:0', 'language=eng', '-metadata:s:a:1', 'language=ger', '-metadata:s:a:2', 'language=fre', '-metadata:s:s:0', 'language=eng', path]);
  return path;
};

beforeAll(async () => {
  [station, browser] = await Promise.all([Station.start(), openBrowser()]);
  const cut = await station.film(await makeFilm('cut.mkv', ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-g', '50', '-pix_fmt', 'yuv420p'], ['-c:a', 'aac']));
  const encoded = await station.film(await makeFilm('encoded.mkv', ['-c:v', 'mpeg2video', '-q:v', '5', '-g', '25'], ['-c:a', 'ac3']));
  urls.set('cut', cut.copyUrl ?? '').set('encoded', encoded.encodedUrl ?? '');
  await browser.context.request.post(`${station.system.baseUrl}/api/auth/login`, { data: { username: 'admin', password: station.system.adminPassword } });
}, 180_000);
afterAll(async () => {
  await browser?.close();
  await station?.stop();
});

/** Rendition and number of each segment a player loaded, in order. */
type Loaded = { rendition: string; n: number }[];

const watched = async (name: PlayerName, way: string): Promise<{ seen: Switched; loaded: Loaded }> => {
  const page = await browser.context.newPage();
  const loaded: Loaded = [];
  page.on('response', (response) => {
    const found = /\/([a-z]+\d*)\/(\d+)\.m4s$/.exec(response.url());
    if (found !== null && response.status() === 200) loaded.push({ rendition: found[1] ?? '', n: Number(found[2]) });
  });
  await openPlayer(page, station.system.baseUrl, name);
  const seen = await playAndSwitch(page, { name, url: urls.get(way) ?? '', everyMs: 1_300, playMs: 14_000, seeks: [40, 8, 24.5, 50] });
  await page.close();
  return { seen, loaded };
};

it.each([['hls.js', 'cut'], ['hls.js', 'encoded'], ['shaka-player', 'cut'], ['shaka-player', 'encoded']] as const)('%s on what is %s', async (name, way) => {
  const { seen, loaded } = await watched(name, way);
  const { longestStallMs, seekMs, changed } = seen;
  console.log(`${name}, ${way}: changes ${changed.pictures} + ${changed.sound}, longest stall ${Math.round(longestStallMs)} ms, seeks ${seekMs.join(', ')} ms, ${loaded.length} segments`);
  expect(seen, seen.notes.join('\n')).toMatchObject({ errors: [], ended: true });
  expect(changed.sound).toBeGreaterThan(5);
  expect(longestStallMs, seen.notes.join('\n')).toBeLessThan(1_000);
  const pieces = new Pieces(station.get, urls.get(way) ?? '');
  await expectSeamless(pieces, loaded);
}, 180_000);

/** Of all that was loaded: each segment begins where the one before it in time ends, whatever renditions they are of, and pictures and sound are in step. */
async function expectSeamless(pieces: Pieces, loaded: Loaded): Promise<void> {
  const ids = [...new Set(loaded.map(({ rendition }) => rendition))];
  const tracks = new Map<string, { init: Uint8Array; track: Track }>();
  for (const id of ids) {
    const init = await pieces.init(id);
    const { track } = initRules(init, id);
    if (track !== null) tracks.set(id, { init, track });
  }
  const unique = [...new Map(loaded.map((one) => [`${one.rendition}/${one.n}`, one])).values()];
  const spans = new Map<string, { start: number; end: number }>();
  for (const { rendition, n } of unique) {
    const known = tracks.get(rendition);
    if (known === undefined) continue;
    const bytes = await pieces.segment(rendition, n);
    const { facts } = segmentRules(bytes, known.track, `${rendition}/${n}`);
    if (facts !== null) spans.set(`${rendition}/${n}`, { start: facts.startTicks / known.track.timescale, end: (facts.startTicks + facts.durationTicks) / known.track.timescale });
  }
  for (const { rendition, n } of unique) {
    const before = spans.get(`${rendition}/${n}`);
    // Whatever rendition of the same kind goes on there.
    for (const next of unique.filter((one) => one.n === n + 1 && one.rendition.startsWith('a') === rendition.startsWith('a'))) {
      const after = spans.get(`${next.rendition}/${next.n}`);
      const frame = rendition.startsWith('a') ? 1_024 / 48_000 : 1 / 25;
      if (before !== undefined && after !== undefined) expect(Math.abs(after.start - before.end), `${rendition}/${n} → ${next.rendition}/${next.n}`).toBeLessThanOrEqual(frame + 1e-6);
    }
  }
  for (const { rendition, n } of seamsOf(unique)) {
    const { init } = tracks.get(rendition) ?? { init: new Uint8Array() };
    const span = spans.get(`${rendition}/${n}`);
    if (span === undefined) continue;
    const isSound = rendition.startsWith('a');
    const due = Array.from({ length: SECONDS }, (_, second) => second).filter((second) => second >= span.start + 0.001 && second < span.end - 0.1);
    const segments = isSound && n > 0 ? [await pieces.segment(rendition, n - 1), await pieces.segment(rendition, n)] : [await pieces.segment(rendition, n)];
    const found = isSound ? await beepsIn({ init, segments }) : (await flashesIn({ init, segments })).times;
    for (const second of due) {
      const nearest = Math.min(...found.map((at) => Math.abs(at - (isSound ? second : flashDue(second, RATE)))));
      if (isSound && second < LATE_SECONDS) continue;
      expect(nearest, `${rendition}/${n} at ${second}`).toBeLessThanOrEqual(1_024 / 48_000);
    }
  }
}

/** Those next to one of another rendition, a few dozen of them from everywhere. */
function seamsOf(unique: Loaded): Loaded {
  const seams = unique.filter(({ rendition, n }) => unique.some((other) => Math.abs(other.n - n) === 1 && other.rendition !== rendition && other.rendition.startsWith('a') === rendition.startsWith('a')));
  return seams.filter((_, i) => i % Math.max(1, Math.floor(seams.length / MOST_SEAMS)) === 0);
}
