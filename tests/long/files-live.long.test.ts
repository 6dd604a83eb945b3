/**
 * A sample of the files of the sweep on a whole system: uploaded, examined, decided, played over HTTP by ffmpeg to the end, some
 * by hls.js and shaka-player in Chromium. REELAY_SEED draws another sample, REELAY_FILES_COUNT another number; with REELAY_FILES,
 * a regular expression of names, all of those are played in browsers.
 */
import { mkdir, rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPlayer, playThrough } from '../conformance/player-page.ts';
import { type Film, Station } from '../conformance/station.ts';
import { openBrowser, type TestBrowser } from '../e2e/browser.ts';
import { Randomness } from '../kit/random.ts';
import { codecRecipes } from './files/recipes-codec.ts';
import { damageRecipes } from './files/recipes-damage.ts';
import { muxRecipes } from './files/recipes-mux.ts';
import { timeRecipes } from './files/recipes-time.ts';
import { FFMPEG, tool } from './files/tools.ts';
import { canMake, type FileRecipe, Workshop } from './files/workshop.ts';

const random = new Randomness(Number(process.env['REELAY_SEED'] ?? 1));
const wanted = process.env['REELAY_FILES'];
const COUNT = Number(process.env['REELAY_FILES_COUNT'] ?? (wanted === undefined ? 30 : 1_000));
/** Every so many are played in a browser, too. */
const IN_BROWSER = wanted === undefined ? 5 : 1;
const SEEK_TO = 4;
/** Some are short, or have pictures once a second: not for a course with a seek. */
const NO_COURSE = /^(rate-|v-cinepak|shape-wide-8k|huge|cover|song)/;

function sample(): FileRecipe[] {
  const all = [...codecRecipes(), ...muxRecipes(), ...timeRecipes(), ...damageRecipes(1)].filter(canMake).filter(({ name }) => (wanted === undefined ? !/^(join-clock|pause|jump)/.test(name) : new RegExp(wanted).test(name)));
  return all.map((recipe) => ({ recipe, key: random.next() })).toSorted((a, b) => a.key - b.key).slice(0, COUNT).map(({ recipe }) => recipe);
}

let station: Station;
let browser: TestBrowser;
let shop: Workshop;

beforeAll(async () => {
  [station, browser] = await Promise.all([Station.start(), openBrowser()]);
  shop = new Workshop(station.folder, random);
  await mkdir(shop.path('shared'));
  await browser.context.request.post(`${station.system.baseUrl}/api/auth/login`, { data: { username: 'admin', password: station.system.adminPassword } });
});
afterAll(async () => {
  await browser?.close();
  await station?.stop();
});

async function playByFfmpeg(url: string, isDamaged: boolean): Promise<void> {
  const { stderr } = await tool(FFMPEG, ['-nostdin', '-v', 'error', '-i', url, '-map', '0:v:0?', '-map', '0:a:0?', '-f', 'null', '-'], { limitMs: 120_000 });
  const lines = stderr.split('\n').filter((line) => line !== '');
  if (isDamaged) expect(lines.filter((line) => /HTTP error|Server returned/.test(line))).toEqual([]);
  else expect(lines).toEqual([]);
}

async function playInBrowser(name: 'hls.js' | 'shaka-player', url: string, isDamaged: boolean): Promise<void> {
  const page = await browser.context.newPage();
  try {
    await openPlayer(page, station.system.baseUrl, name);
    const played = await playThrough(page, { name, url, seekTo: SEEK_TO });
    if (!isDamaged) expect({ name, errors: played.errors, started: played.started, sought: played.sought, ended: played.ended }).toEqual({ name, errors: [], started: true, sought: true, ended: true });
  } finally {
    await page.close();
  }
}

async function play(recipe: FileRecipe, film: Film, inBrowser: boolean): Promise<string> {
  const { playback, video } = film;
  const isDamaged = recipe.damaged === true;
  expect(playback.reason).toMatch(/\.$/);
  if (playback.mode === 'none') {
    expect(isDamaged || video.valid === false ? 'refused' : playback.reason).toBe('refused');
    return playback.reason;
  }
  const signed = playback.mode === 'transcode' ? film.signedEncodedUrl : film.signedCopyUrl;
  if (signed !== null) await playByFfmpeg(signed, isDamaged);
  const url = playback.mode === 'transcode' ? film.encodedUrl : film.copyUrl;
  if (inBrowser && url !== null && !NO_COURSE.test(recipe.name)) for (const name of ['hls.js', 'shaka-player'] as const) await playInBrowser(name, url, isDamaged);
  await station.endStreams(video.id);
  return `${playback.mode}${inBrowser ? ', in the browser' : ''}: ${playback.reason}`;
}

describe(`a sample of the files by seed ${random.seed}`, () => {
  it.each(sample().map((recipe, n) => ({ recipe, n, name: recipe.name })))('$name', async ({ recipe, n }) => {
    await recipe.make(shop);
    const path = shop.path(recipe.name);
    const film = await station.film(path).catch((error: unknown) => {
      // What is no file at all is not even taken.
      if (recipe.damaged === true && /upload answered 4\d\d/.test(String(error))) return null;
      throw error;
    });
    console.log(`${recipe.name}: ${film === null ? 'not taken' : await play(recipe, film, n % IN_BROWSER === 0)}`);
    await rm(path, { force: true });
  });
});
