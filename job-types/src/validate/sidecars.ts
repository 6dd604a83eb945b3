import { readdir } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { stem } from '../video-facts.ts';
import type { Sidecar } from './result.ts';

const MAX_SIDECARS = 20;
const LANGUAGE = /^[a-z]{2,3}(?:-[a-z0-9]{2,8})*$/i;
const FORCED = 'forced';
const FOR_DEAF: ReadonlySet<string> = new Set(['sdh', 'cc', 'hi']);

/** What `film.srt`, `film.en.srt`, `film.pt-BR.forced.vtt` say about themselves; null for a file that is no subtitle of the video. */
export function sidecarOf(videoPath: string, fileName: string, n: number): Sidecar | null {
  const prefix = `${stem(videoPath)}.`;
  if (!fileName.startsWith(prefix) || !/\.(?:srt|vtt)$/i.test(fileName)) return null;
  const words = fileName.slice(prefix.length).split('.').slice(0, -1).map((word) => word.toLowerCase());
  const tags = words.filter((word) => word === FORCED || FOR_DEAF.has(word));
  const rest = words.filter((word) => !tags.includes(word));
  if (rest.length > 1 || !rest.every((word) => LANGUAGE.test(word))) return null;
  return { name: `sidecar${n}`, language: rest[0] ?? null, isForced: tags.includes(FORCED), isForDeaf: tags.some((tag) => FOR_DEAF.has(tag)) };
}

/** Subtitle files beside a video: same folder, same name. A folder that cannot be read has none. */
export async function findSidecars(libraryRoot: string, videoPath: string): Promise<{ sidecars: Sidecar[]; inputs: { name: string; path: string }[] }> {
  const folder = posix.dirname(videoPath);
  const entries = await readdir(join(libraryRoot, folder), { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name).toSorted();
  const sidecars: Sidecar[] = [];
  const inputs: { name: string; path: string }[] = [];
  for (const name of names) {
    const sidecar = sidecarOf(videoPath, name, sidecars.length);
    if (sidecar === null || sidecars.length >= MAX_SIDECARS) continue;
    sidecars.push(sidecar);
    inputs.push({ name: sidecar.name, path: posix.join(folder, name) });
  }
  return { sidecars, inputs };
}
