/** Resumable uploads that last as long as the test: bytes trickle, so that one is always on its way when a gateway stops. */
import { createHash } from 'node:crypto';
import { pause } from '../kit/eventually.ts';
import type { Tally } from './tally.ts';

export interface UploadsOptions {
  baseUrl: string;
  token: string;
  count: number;
  /** Length of one PATCH. */
  patchMs: number;
  bytesPerSecond: number;
  content: Buffer;
  tally: Tally;
  stop: AbortSignal;
}

export interface Sent {
  name: string;
  videoId: string | null;
  sha256: string;
  bytes: number;
  patches: number;
  /** PATCHes that were answered before all their bytes were sent, or not at all. */
  resumed: number;
}

const TUS = { 'tus-resumable': '1.0.0' };
const PIECES = 20;

/** Resolves when every upload is whole; after `stop` the rest is sent at once. */
export const sendUploads = (options: UploadsOptions): Promise<Sent[]> => Promise.all(Array.from({ length: options.count }, (_, n) => oneUpload(options, n)));

const oneUpload = async (options: UploadsOptions, n: number): Promise<Sent> => {
  const { baseUrl, token, stop, patchMs, bytesPerSecond } = options;
  // Each has its own end, so that none is taken for another.
  const content = Buffer.concat([options.content, Buffer.from(`upload ${n}`)]);
  const sent: Sent = { name: `rolling ${n}.mkv`, videoId: null, sha256: createHash('sha256').update(content).digest('hex'), bytes: content.length, patches: 0, resumed: 0 };
  const headers = { ...TUS, authorization: `Bearer ${token}` };
  const metadata = `filename ${Buffer.from(sent.name).toString('base64')}`;
  let location: string | null = null;
  while (location === null) {
    const created = await call(options, 'tus create', `${baseUrl}/api/media/uploads`, { method: 'POST', headers: { ...headers, 'upload-length': String(content.length), 'upload-metadata': metadata } });
    location = created?.get('location') ?? null;
    if (location === null) await pause(500);
  }
  let offset = 0;
  while (sent.videoId === null) {
    const end = stop.aborted ? content.length : Math.min(content.length - 1, offset + Math.round((bytesPerSecond * patchMs) / 1000));
    const piece = content.subarray(offset, Math.max(end, offset));
    if (piece.length === 0) {
      await pause(200);
      continue;
    }
    sent.patches += 1;
    const answer = await call(options, 'tus PATCH', baseUrl + location, {
      method: 'PATCH', headers: { ...headers, 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream', 'content-length': String(piece.length) },
      body: stop.aborted ? piece : trickle(piece, patchMs), duplex: 'half',
    });
    const reached: number = answer === null ? await offsetOf(options, baseUrl + location, headers) : Number(answer.get('upload-offset'));
    if (reached !== offset + piece.length) sent.resumed += 1;
    offset = reached;
    sent.videoId = answer?.get('x-reelay-video-id') ?? null;
  }
  return sent;
};

const trickle = (bytes: Buffer, overMs: number): ReadableStream<Uint8Array> => {
  const size = Math.ceil(bytes.length / PIECES);
  let at = 0;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (at > 0) await pause(overMs / PIECES);
      controller.enqueue(new Uint8Array(bytes.subarray(at, at + size)));
      at += size;
      if (at >= bytes.length) controller.close();
    },
  }, { highWaterMark: 0 });
};

const offsetOf = async (options: UploadsOptions, url: string, headers: Record<string, string>): Promise<number> => {
  for (;;) {
    const answer = await call(options, 'tus HEAD', url, { method: 'HEAD', headers });
    if (answer !== null) return Number(answer.get('upload-offset'));
    await pause(500);
  }
};

/** The head of the answer, counted; null when there was none, or no 2xx. */
const call = async ({ tally }: UploadsOptions, kind: string, url: string, init: RequestInit & { duplex?: 'half' }): Promise<Headers | null> => {
  const startedMs = performance.now();
  try {
    const response = await fetch(url, init);
    const text = await response.text();
    if (response.ok) {
      tally.ok(kind, performance.now() - startedMs);
      return response.headers;
    }
    tally.failed(kind, `${response.status} ${text.slice(0, 100)}`);
  } catch (error) {
    tally.failed(kind, String(error instanceof Error ? (error.cause ?? error.message) : error));
  }
  return null;
};
