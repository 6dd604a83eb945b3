import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { send } from '../job/hub-http.ts';

const PASSED = ['content-type', 'content-length', 'content-range', 'accept-ranges', 'last-modified', 'etag'] as const;
const LOOPBACK = '127.0.0.1';

/**
 * A way for ffmpeg to read a file of the hub: it asks this server on the loopback address, which asks the gateway with the
 * signed URL. So no token stands in a list of processes; the path is a random one that ends with the session.
 */
export class SourceProxy {
  readonly #sources = new Map<string, string>();
  #server: Server | undefined;
  #opening: Promise<number> | undefined;

  /** A URL for ffmpeg, good until `close` is called with it. */
  async open(url: string): Promise<string> {
    this.#opening ??= this.#listen();
    const port = await this.#opening;
    const name = randomBytes(18).toString('base64url');
    this.#sources.set(name, url);
    return `http://${LOOPBACK}:${port}/${name}`;
  }

  close(local: string): void {
    this.#sources.delete(local.slice(local.lastIndexOf('/') + 1));
  }

  async stop(): Promise<void> {
    this.#sources.clear();
    const server = this.#server;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  }

  #listen(): Promise<number> {
    const server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, LOOPBACK, () => {
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = this.#sources.get((request.url ?? '').slice(1));
    if (url === undefined || request.method !== 'GET') {
      response.writeHead(url === undefined ? 404 : 405).end();
      return;
    }
    const abort = new AbortController();
    response.once('close', () => abort.abort());
    const { range } = request.headers;
    const answer = await send({ method: 'GET', url, headers: range === undefined ? {} : { range }, signal: abort.signal });
    const headers = Object.fromEntries(PASSED.flatMap((name) => (answer.headers[name] === undefined ? [] : [[name, answer.headers[name]]])));
    response.writeHead(answer.statusCode ?? 502, headers);
    await pipeline(answer, response);
  }
}
