/** Names of files, pure: what a client offers becomes a name that is safe on disk and still readable. */
export const MAX_NAME_BYTES = 255;

const encoder = new TextEncoder();
const bytesOf = (text: string): number => encoder.encode(text).length;

const clip = (text: string, maxBytes: number): string => {
  let kept = text;
  while (bytesOf(kept) > maxBytes) kept = Array.from(kept).slice(0, -1).join('');
  return kept;
};

/** `name.ext` → [`name`, `.ext`]; an extension is at most 12 characters. */
const splitExtension = (name: string): [stem: string, extension: string] => {
  const dot = name.lastIndexOf('.');
  return dot <= 0 || name.length - dot > 12 ? [name, ''] : [name.slice(0, dot), name.slice(dot)];
};

/**
 * Keeps unicode, spaces and quotes. Path separators and control characters become `_`, dots in front go, lone
 * surrogates go, and what is longer than 255 bytes is shortened before its extension. Null when nothing is left.
 */
export const safeFileName = (offered: string): string | null => {
  const name = offered
    .normalize('NFC')
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029/\\]/g, '_')
    // Invisible marks that turn the direction of text make a name lie about its extension.
    .replace(/[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, '')
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '')
    .trim()
    .replace(/^\.+/, '')
    .trim();
  if (name === '' || /^[_.\s]+$/.test(name)) return null;
  const [stem, extension] = splitExtension(name);
  return bytesOf(name) <= MAX_NAME_BYTES ? name : `${clip(stem, MAX_NAME_BYTES - bytesOf(extension))}${extension}`;
};

/** The n-th try for a free name: `name.mp4`, `name (2).mp4`, `name (3).mp4` … */
export const numberedName = (name: string, n: number): string => {
  if (n <= 1) return name;
  const [stem, extension] = splitExtension(name);
  const tail = ` (${n})${extension}`;
  return `${clip(stem, MAX_NAME_BYTES - bytesOf(tail))}${tail}`;
};

/** A title from a file name: without extension, underscores as spaces. */
export const titleOf = (name: string): string => clip(splitExtension(name)[0].replace(/_+/g, ' ').trim() || name, 300);
