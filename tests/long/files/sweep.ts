/** One file through everything: examined, decided, cut, encoded. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decidePlayback } from '../../../gateway/src/packaging/decide.ts';
import { NotRemuxableError } from '../../../gateway/src/packaging/errors.ts';
import { type MediaPackage, openPackageInTurns, type PackageSource } from '../../../gateway/src/packaging/package.ts';
import { checkCut } from './cut.ts';
import { checkEncoded } from './encoded.ts';
import { validated } from './validated.ts';
import type { FileRecipe } from './workshop.ts';

export interface Row {
  name: string;
  group: string;
  container: string;
  codecs: string;
  /** As an ordinary browser is answered; `refused` where validate says no. */
  mode: string;
  reason: string;
  /** Why no segments are cut; null where they are. */
  notCut: string | null;
  segments: number;
  encoded: boolean;
  wrong: string[];
  notes: string[];
  ms: number;
}

/** A client that decodes all that can be cut. */
const EVERYTHING = ['avc1.640028', 'avc1.6E0028', 'avc1.7A0028', 'avc1.F40028', 'avc1.7A1028', 'avc1.6E1028', 'hvc1', 'vp09', 'av01', 'mp4a.40.2', 'mp3', 'opus', 'flac', 'vorbis', 'vp8'];

export async function tryFile(recipe: FileRecipe, path: string, encodeToo: boolean): Promise<Row> {
  const startedMs = performance.now();
  const row: Row = { name: recipe.name, group: recipe.group, container: '', codecs: '', mode: 'refused', reason: '', notCut: null, segments: 0, encoded: false, wrong: [], notes: [], ms: 0 };
  const scratch = await mkdtemp(join(tmpdir(), 'reelay-sweep-'));
  try {
    await examine(recipe, path, scratch, encodeToo, row);
  } catch (error) {
    row.wrong.push(`threw: ${error instanceof Error ? (error.stack ?? error.message).slice(0, 500) : String(error)}`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
    row.ms = Math.round(performance.now() - startedMs);
  }
  return row;
}

async function examine(recipe: FileRecipe, path: string, scratch: string, encodeToo: boolean, row: Row): Promise<void> {
  const lenient = recipe.damaged === true;
  const { valid, reason, media, facts, index } = await validated(path);
  row.container = media?.container ?? '';
  row.codecs = media?.streams.filter(({ kind }) => kind === 'video' || kind === 'audio').map(({ codec }) => codec).join('+') ?? '';
  const decide = (clientCodecs: readonly string[] | null) => decidePlayback({ mediaInfo: media, indexFacts: facts, clientCodecs, valid, invalidReason: reason });
  const decided = decide(null);
  row.mode = valid ? decided.mode : 'refused';
  row.reason = decided.reason;
  if (!valid || media === null || index === null) {
    if (!lenient) row.wrong.push('refused');
    if (!/^[A-Z„“"'].*\.$/.test(row.reason)) row.wrong.push(`no sentence: ${row.reason}`);
    return;
  }
  const pack = await openOrWhy({ absPath: path, mediaInfo: { ...media, sizeBytes: (await stat(path)).size }, index });
  // As the playback route does: what the facts do not tell, opening it does.
  if (typeof pack === 'string' && decided.mode === 'remux') row.mode = 'transcode';
  if (typeof pack === 'string') row.notCut = pack;
  else {
    const willing = decide(EVERYTHING);
    if (willing.mode === 'transcode') row.notCut = willing.reason;
    // Whoever gets the file itself is offered segments beside it: they must hold, too.
    if (willing.mode !== 'transcode' || decided.mode === 'direct') {
      const { segments, wrong, notes } = await checkCut(pack, path, scratch, lenient);
      Object.assign(row, { segments, notes });
      row.wrong.push(...wrong.map((line) => `cut: ${line}`));
    }
  }
  if (row.mode === 'transcode' || encodeToo) {
    row.encoded = true;
    const wrong = await checkEncoded(path, media, facts, lenient);
    (lenient ? row.notes : row.wrong).push(...wrong.map((line) => `encoded: ${line}`));
  }
}

async function openOrWhy(source: PackageSource): Promise<MediaPackage | string> {
  try {
    return await openPackageInTurns(source, async () => {});
  } catch (error) {
    if (error instanceof NotRemuxableError) return error.message;
    throw error;
  }
}
