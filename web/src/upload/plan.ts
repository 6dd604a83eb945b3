/** What a resumable upload does next. Pure. */

const MIB = 1024 ** 2;
const SMALLEST = MIB;
const LARGEST = 64 * MIB;
/** A gateway that stops lets a request of this length finish. */
const WANTED_MS = 2_000;

export const FIRST_CHUNK = 4 * MIB;

/** Size of the next piece, so that sending it takes about two seconds; it at most doubles or halves. */
export function nextChunk(chunk: number, tookMs: number): number {
  const factor = Math.min(2, Math.max(0.5, WANTED_MS / Math.max(1, tookMs)));
  return Math.round(Math.min(LARGEST, Math.max(SMALLEST, chunk * factor)));
}

/**
 * `again`: a gateway was away, or the upload is still held by the request before; ask how far it came, then go on.
 * `anew`: the server does not know the upload (any more). `fail`: sending it again changes nothing.
 */
export type Step = 'again' | 'anew' | 'fail';

/** After an answer that was no success; status 0 is none at all. */
export function stepAfter(status: number): Step {
  if (status === 404 || status === 410) return 'anew';
  if (status === 507) return 'fail';
  return status === 0 || status >= 500 || [408, 409, 423, 425, 429, 460].includes(status) ? 'again' : 'fail';
}

/** Pause before the next try in ms: 0.25, 0.5, 1 … 15 s, with up to a third taken off by `random` (0–1). */
export const pauseMs = (failures: number, random: number): number => Math.round(Math.min(15_000, 250 * 2 ** Math.min(failures, 10)) * (1 - random / 3));

/** Names the same file after a reload of the page, as far as a browser can tell. */
export const fingerprint = (file: Pick<File, 'name' | 'size' | 'lastModified' | 'type'>): string => [file.name, file.size, file.lastModified, file.type].join('|');

/** Upload-Metadata of tus: UTF-8 in base64. */
export const metadataOf = (filename: string): string => {
  const bytes = new TextEncoder().encode(filename);
  return `filename ${btoa(Array.from(bytes, (byte) => String.fromCodePoint(byte)).join(''))}`;
};
