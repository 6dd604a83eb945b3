/** Numbers and times as people read them. Negative durations (clock skew) are shown as zero. */

const pad = (value: number): string => String(value).padStart(2, '0');

/** Seconds as a position: 0:07, 12:34, 1:02:03. */
export function clock(seconds: number | null): string {
  if (seconds === null || !Number.isFinite(seconds)) return '–';
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`;
}

/** Seconds as a length of time: 0.4 s, 12 s, 3 min 4 s, 2 h 5 min, 3 d 4 h. */
export function span(seconds: number): string {
  const value = Math.max(0, seconds);
  if (value > 0 && value < 1) return `${value.toFixed(1)} s`;
  const whole = Math.round(value);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return joined(Math.floor(whole / 60), 'min', whole % 60, 's');
  if (whole < 86_400) return joined(Math.floor(whole / 3600), 'h', Math.floor((whole % 3600) / 60), 'min');
  return joined(Math.floor(whole / 86_400), 'd', Math.floor((whole % 86_400) / 3600), 'h');
}

const joined = (big: number, bigUnit: string, small: number, smallUnit: string): string =>
  small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`;

/** Remaining time, roughly: a precise figure would promise too much. */
export function remaining(seconds: number): string {
  const value = Math.max(0, seconds);
  if (value < 10) return 'a few seconds left';
  if (value < 60) return `about ${Math.ceil(value / 10) * 10} s left`;
  if (value < 3600) return `about ${Math.ceil(value / 60)} min left`;
  return `about ${Math.floor(value / 3600)} h ${Math.round((value % 3600) / 60)} min left`;
}

const BYTE_UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** Bytes in decimal units, as disks and players count them. */
export function bytes(count: number): string {
  let value = Math.max(0, count);
  let unit = 0;
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${BYTE_UNITS[unit]}`;
}

/** Megabytes of VRAM: 640 MB, 4 GB, 15.6 GB. */
export function megabytes(mb: number): string {
  const value = Math.max(0, mb);
  if (value < 1000) return `${Math.round(value)} MB`;
  const gb = value / 1000;
  return `${Number.isInteger(gb) || gb >= 100 ? Math.round(gb) : gb.toFixed(1)} GB`;
}

export const bitrate = (kbits: number): string =>
  kbits >= 1000 ? `${(kbits / 1000).toFixed(1)} Mbit/s` : `${Math.round(kbits)} kbit/s`;

export const count = (value: number): string => value.toLocaleString('en');

export const plural = (value: number, one: string, many = `${one}s`): string => `${count(value)} ${value === 1 ? one : many}`;

/** How long ago, both in ms since 1970. Times ahead of this clock read as now. */
export function ago(timeMs: number, nowMs: number): string {
  const seconds = Math.max(0, (nowMs - timeMs) / 1000);
  if (seconds < 10) return 'just now';
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

const dayTime = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });
const timeOnly = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
export const shortTime = (timeMs: number): string => dayTime.format(timeMs);
export const exactTime = (timeMs: number): string => exact.format(timeMs);
export const timeOfDay = (timeMs: number): string => timeOnly.format(timeMs);

/** Seconds between two ISO times, never negative; `to` null means until now. */
export const secondsBetween = (from: string, to: string | null, nowMs: number): number =>
  Math.max(0, ((to === null ? nowMs : Date.parse(to)) - Date.parse(from)) / 1000);

/** `?t=` of a player link: 90, 90.5, 90s, 1m30s, 1h2m3s or 1:02:03. Null when it is none of these. */
export function parseStart(text: string): number | null {
  const value = text.trim();
  if (/^\d+(\.\d+)?s?$/.test(value)) return Number.parseFloat(value);
  const colons = /^(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:\.\d+)?)$/.exec(value);
  if (colons) return Number(colons[1] ?? 0) * 3600 + Number(colons[2]) * 60 + Number(colons[3]);
  const units = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?$/.exec(value);
  if (!units || value === '') return null;
  return Number(units[1] ?? 0) * 3600 + Number(units[2] ?? 0) * 60 + Number(units[3] ?? 0);
}
