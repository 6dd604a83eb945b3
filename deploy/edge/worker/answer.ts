import { isNotModified, parseRange, rangeStillValid } from '../../../gateway/src/http/range.ts';
import type { Kept } from './kept.ts';

export const CORS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'Content-Length, Content-Range, ETag, Retry-After',
  'cross-origin-resource-policy': 'cross-origin',
};

/** A problem in the gateways' form; nobody keeps it. */
export const problem = (status: number, code: string, title: string, detail: string): Response =>
  new Response(JSON.stringify({ type: `/docs#problem-${code}`, title, status, detail, code, error: detail }), {
    status, headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}), ...CORS },
  });

/** What was kept, as this request wants it: 304, a part, the head alone, compressed. */
export const answerWith = (request: Request, { bytes, headers: kept }: Kept, from: 'HIT' | 'MISS' | 'STALE'): Response => {
  const headers = new Headers(kept.map(([name, value]) => [name, value]));
  headers.set('x-cache', from);
  const ask = (name: string): string | undefined => request.headers.get(name) ?? undefined;
  const validators = { etag: headers.get('etag') ?? '', lastModifiedMs: 0 };
  if (isNotModified({ ifNoneMatch: ask('if-none-match') }, validators)) {
    headers.delete('content-length');
    return new Response(null, { status: 304, headers });
  }
  const isList = (headers.get('content-type') ?? '').startsWith('application/vnd.apple.mpegurl');
  const range = rangeStillValid(ask('if-range'), validators) ? parseRange(ask('range'), bytes.length) : { kind: 'whole' as const };
  if (range.kind === 'unsatisfiable') {
    const refused = problem(416, 'range_not_satisfiable', 'Range not satisfiable', `It has ${bytes.length} bytes`);
    refused.headers.set('content-range', `bytes */${bytes.length}`);
    return refused;
  }
  if (range.kind === 'whole' && isList && /\bgzip\b/.test(ask('accept-encoding') ?? '') && request.method !== 'HEAD') return compressed(bytes, headers);
  const part = range.kind === 'part' ? bytes.subarray(range.start, range.end + 1) : bytes;
  headers.set('content-length', String(part.length));
  if (range.kind === 'part') headers.set('content-range', `bytes ${range.start}-${range.end}/${bytes.length}`);
  return new Response(request.method === 'HEAD' ? null : part, { status: range.kind === 'part' ? 206 : 200, headers });
};

/** Another encoding is another representation: its tag must not be that of the plain one. */
const compressed = (bytes: Uint8Array<ArrayBuffer>, headers: Headers): Response => {
  headers.delete('content-length');
  headers.set('content-encoding', 'gzip');
  headers.set('etag', `W/${headers.get('etag') ?? ''}`);
  // Some runtimes compress by themselves what is declared so, unless they are told that it is done.
  const init: ResponseInit & { encodeBody: 'manual' } = { headers, encodeBody: 'manual' };
  return new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream('gzip')), init);
};
