/** What part of a file a request asks for (RFC 9110, 14): one range is served, several are answered with the whole. */
export type RangeAnswer =
  | { kind: 'whole' }
  | { kind: 'part'; start: number; end: number }
  | { kind: 'unsatisfiable' };

const RANGES = /^bytes=([\d\s,-]+)$/i;
const ONE = /^(\d*)-(\d*)$/;

/** `end` is the last byte, inclusive. A header that is not a byte range is ignored, as the RFC asks. */
export const parseRange = (header: string | undefined, sizeBytes: number): RangeAnswer => {
  const list = header === undefined ? undefined : RANGES.exec(header.trim())?.[1];
  if (list === undefined) return { kind: 'whole' };
  const ranges = list.split(',').map((text) => ONE.exec(text.trim()));
  if (ranges.some((found) => found === null || (found[1] === '' && found[2] === ''))) return { kind: 'whole' };
  if (ranges.length > 1) return { kind: 'whole' };
  const [, first = '', last = ''] = ranges[0] ?? [];
  if (first === '') return suffix(Number(last), sizeBytes);
  const start = Number(first);
  const end = last === '' ? sizeBytes - 1 : Number(last);
  if (end < start && last !== '') return { kind: 'whole' };
  return start >= sizeBytes ? { kind: 'unsatisfiable' } : { kind: 'part', start, end: Math.min(end, sizeBytes - 1) };
};

const suffix = (length: number, sizeBytes: number): RangeAnswer =>
  length === 0 || sizeBytes === 0 ? { kind: 'unsatisfiable' } : { kind: 'part', start: Math.max(0, sizeBytes - length), end: sizeBytes - 1 };

export interface Validators {
  /** Strong, with quotes. */
  etag: string;
  lastModifiedMs: number;
}

/** Whether the client's copy is current: 304. If-None-Match wins over If-Modified-Since. */
export const isNotModified = (headers: { ifNoneMatch?: string | undefined; ifModifiedSince?: string | undefined }, validators: Validators): boolean => {
  if (headers.ifNoneMatch !== undefined) {
    const tags = new Set(headers.ifNoneMatch.split(',').map((tag) => tag.trim().replace(/^W\//, '')));
    return tags.has('*') || tags.has(validators.etag);
  }
  if (headers.ifModifiedSince === undefined) return false;
  const sinceMs = Date.parse(headers.ifModifiedSince);
  return !Number.isNaN(sinceMs) && Math.floor(validators.lastModifiedMs / 1000) * 1000 <= sinceMs;
};

/** Whether a range may be served: If-Range must name exactly this version of the file. */
export const rangeStillValid = (ifRange: string | undefined, validators: Validators): boolean => {
  if (ifRange === undefined) return true;
  if (ifRange.startsWith('"')) return ifRange === validators.etag;
  const dateMs = Date.parse(ifRange);
  return !Number.isNaN(dateMs) && Math.floor(validators.lastModifiedMs / 1000) * 1000 === dateMs;
};
