import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { RequestContext } from './env.ts';
import { webType } from './mime.ts';

interface StaticFile {
  contentType: string;
  etag: string;
  /** Names with a content hash never change. */
  immutable: boolean;
  raw: Buffer;
  br: Promise<Buffer> | null;
  gzip: Promise<Buffer> | null;
}

const compressible = /^(text\/|application\/(json|manifest\+json)|image\/svg)/;
const HASHED = /\/assets\/[^/]*-[A-Za-z0-9]{8,}\.[a-z0-9.]+$/;
const MIN_COMPRESS_BYTES = 800;
const MAX_FILE_BYTES = 16 * 1024 * 1024;
const toGzip = promisify(gzip);
const toBrotli = promisify(brotliCompress);

/** What the build compressed, beside the file it was made from. */
const BROTLI = '.br';

/**
 * The built web client, read into memory when it is opened: a name that was not there then does not exist, so no path
 * can lead anywhere else. What the build has not compressed is compressed once per file, on first need.
 */
export class StaticFiles {
  readonly #files: ReadonlyMap<string, StaticFile>;

  private constructor(files: ReadonlyMap<string, StaticFile>) {
    this.#files = files;
  }

  static async open(folder: string): Promise<StaticFiles> {
    const files = new Map<string, StaticFile>();
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const paths = new Set(entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)));
    for (const path of paths) {
      const isCompressed = path.endsWith(BROTLI) && paths.has(path.slice(0, -BROTLI.length));
      if (isCompressed || (await stat(path)).size > MAX_FILE_BYTES) continue;
      const br = paths.has(path + BROTLI) ? await readFile(path + BROTLI) : null;
      files.set(`/${posix.normalize(path.slice(folder.length).replace(/^\/+/, ''))}`, await readOne(path, br));
    }
    return new StaticFiles(files);
  }

  /** The file of a path, else the page itself for a path of the client's own router; null for anything else. */
  async respond(c: RequestContext): Promise<Response | null> {
    const path = c.req.path === '/' ? '/index.html' : c.req.path;
    const file = this.#files.get(path) ?? (/\.[a-z0-9]+$/i.test(path) ? undefined : this.#files.get('/index.html'));
    if (file === undefined) return null;
    const headers = new Headers({
      'content-type': file.contentType,
      'cache-control': file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
      etag: file.etag,
      vary: 'Accept-Encoding',
    });
    if (c.req.header('if-none-match')?.includes(file.etag)) return new Response(null, { status: 304, headers });
    const body = await encoded(file, c.req.header('accept-encoding') ?? '', headers);
    headers.set('content-length', String(body.length));
    return new Response(c.req.method === 'HEAD' ? null : new Uint8Array(body), { headers });
  }
}

const readOne = async (path: string, br: Buffer | null): Promise<StaticFile> => {
  const raw = await readFile(path);
  const digest = createHash('sha256').update(raw).digest('base64url').slice(0, 22);
  return { contentType: webType(path), etag: `"${digest}"`, immutable: HASHED.test(path), raw, br: br === null ? null : Promise.resolve(br), gzip: null };
};

const encoded = (file: StaticFile, accepted: string, headers: Headers): Promise<Buffer> => {
  if (!compressible.test(file.contentType) || file.raw.length < MIN_COMPRESS_BYTES) return Promise.resolve(file.raw);
  if (/\bbr\b/.test(accepted)) {
    headers.set('content-encoding', 'br');
    file.br ??= toBrotli(file.raw, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } });
    return file.br;
  }
  if (/\bgzip\b/.test(accepted)) {
    headers.set('content-encoding', 'gzip');
    file.gzip ??= toGzip(file.raw, { level: 9 });
    return file.gzip;
  }
  return Promise.resolve(file.raw);
};
