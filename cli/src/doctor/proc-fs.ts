/** Small texts of /proc, /sys and /etc; null where there is none. */
import { readFile } from 'node:fs/promises';

export const textOf = async (path: string): Promise<string | null> => readFile(path, 'utf8').then((text) => text.trim(), () => null);

/** A whole number of a file; null when it holds something else, such as `max`. */
export const numberOf = async (path: string): Promise<number | null> => {
  const text = await textOf(path);
  return text !== null && /^\d+$/.test(text) ? Number(text) : null;
};
