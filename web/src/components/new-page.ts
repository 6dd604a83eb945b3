import { readStored, writeStored } from '../store/storage.ts';

const KEY = 'reelay.reloaded';
const ONCE_IN_MS = 60_000;

/**
 * For code that could not be had: many browsers remember that for as long as a page lives (HTML, “fetch a single module script”),
 * and after an update the old files are gone; only a new page gets it. Loads the page anew when the gateway answers, at most
 * once a minute, and never where that cannot be remembered. False when it does not.
 */
export async function reloadForCode(): Promise<boolean> {
  if (Date.now() - Number(readStored(KEY) ?? 0) < ONCE_IN_MS) return false;
  if (!(await fetch('/healthz', { cache: 'no-store' }).then(({ ok }) => ok, () => false))) return false;
  const now = String(Date.now());
  writeStored(KEY, now);
  if (readStored(KEY) !== now) return false;
  location.reload();
  return true;
}
