/**
 * Hundreds of files of every codec, container and kind of damage, made by seed, each examined, cut and encoded, and compared
 * with what ffmpeg shows of it. REELAY_FILES picks names by a regular expression, REELAY_SEED is for the damage, REELAY_FILES_KEEP
 * is a folder in which they are kept; REELAY_FILES_REPORT is where the table goes.
 */
import { existsSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Randomness } from '../kit/random.ts';
import { codecRecipes } from './files/recipes-codec.ts';
import { damageRecipes } from './files/recipes-damage.ts';
import { muxRecipes } from './files/recipes-mux.ts';
import { timeRecipes } from './files/recipes-time.ts';
import { type Row, tryFile } from './files/sweep.ts';
import { summary, tableLine } from './files/table.ts';
import { canMake, Workshop } from './files/workshop.ts';

const seed = Number(process.env['REELAY_SEED'] ?? 1);
const wanted = new RegExp(process.env['REELAY_FILES'] ?? '');
const kept = process.env['REELAY_FILES_KEEP'];
const report = process.env['REELAY_FILES_REPORT'];
const ROUNDS = 2;
/** Every so many of those that need no encoding are encoded, too. */
const ENCODED_SHARE = 6;

/** Not right, and why is written in docs/reliability.md; or the end of the sound is taken for a beep. They are tried and reported all the same. */
const KNOWN = new Set([
  'join-clock-ahead.ts', 'join-clock-three.ts', 'merge-stretched.mkv', 'append-larger.mkv', 'append-other-profile.mkv', 'piped.avi', 'join-sound-codec.ts', 'edit-sound-only.mp4', 'a-wavpack.mkv',
]);

const recipes = [...codecRecipes(), ...muxRecipes(), ...timeRecipes(), ...damageRecipes(ROUNDS)].filter(({ name }) => wanted.test(name));
const rows: Row[] = [];
let shop: Workshop;

beforeAll(async () => {
  const folder = kept ?? (await mkdtemp(join(tmpdir(), 'reelay-files-')));
  await mkdir(join(folder, 'shared'), { recursive: true });
  shop = new Workshop(folder, new Randomness(seed));
});
afterAll(async () => {
  for (const line of summary(rows)) console.log(line);
  if (kept === undefined) await rm(shop.folder, { recursive: true, force: true });
});

describe(`files by seed ${seed}`, () => {
  it('all have names of their own', () => {
    expect(new Set(recipes.map(({ name }) => name)).size).toBe(recipes.length);
  });
  it.for(recipes)('$name', async (recipe, { skip }) => {
    skip(!canMake(recipe), `${recipe.needs} is not installed`);
    const path = shop.path(recipe.name);
    if (kept === undefined || !existsSync(path)) {
      await recipe.make(shop).catch(async (error: unknown) => {
        await rm(path, { force: true });
        throw error;
      });
    }
    const row = await tryFile(recipe, path, shop.random.branch(recipe.name).between(1, ENCODED_SHARE) === 1);
    rows.push(row);
    if (report !== undefined) await appendFile(report, `${tableLine(row)}\n`);
    if (kept === undefined) await rm(path, { force: true });
    if (!KNOWN.has(recipe.name)) expect(row.wrong).toEqual([]);
  });
});
