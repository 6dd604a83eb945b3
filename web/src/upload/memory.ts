/** Which uploads this browser has begun, so that the same file, chosen again after a reload, goes on where it was. */
import { readStored, writeStored } from '../store/storage.ts';

const KEY = 'reelay-uploads';
/** As long as the server keeps what arrived, unless it was told otherwise; it is asked in any case. */
const KEPT_MS = 24 * 3_600_000;
const MOST = 50;

interface Begun {
  readonly location: string;
  readonly atMs: number;
}

const read = (): Record<string, Begun> => {
  try {
    const parsed: unknown = JSON.parse(readStored(KEY) ?? '{}');
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Record<string, Begun>) : {};
  } catch {
    return {};
  }
};

const write = (all: Record<string, Begun>): void => {
  const kept = Object.entries(all).filter(([, { atMs }]) => Date.now() - atMs < KEPT_MS).toSorted(([, a], [, b]) => b.atMs - a.atMs).slice(0, MOST);
  writeStored(KEY, kept.length === 0 ? null : JSON.stringify(Object.fromEntries(kept)));
};

export const rememberedUpload = (fingerprint: string): string | null => {
  const location = read()[fingerprint]?.location;
  return typeof location === 'string' && location.startsWith('/api/media/uploads/') ? location : null;
};

export const rememberUpload = (fingerprint: string, location: string): void => write({ ...read(), [fingerprint]: { location, atMs: Date.now() } });

export const forgetUpload = (fingerprint: string): void => {
  const { [fingerprint]: _forgotten, ...others } = read();
  write(others);
};
