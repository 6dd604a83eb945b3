/**
 * The service behind workerd's Cache API, as its configuration names one: GET asks (`only-if-cached`; a miss is said by
 * `CF-Cache-Status`), PUT carries a whole answer in its body, PURGE removes. Keeps what its rule allows to be kept by all.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Entry {
  headers: [string, string][];
  body: Buffer;
  untilMs: number;
}

const LINE_END = '\r\n';
const UNKEPT = new Set(['transfer-encoding', 'connection', 'content-length', 'set-cookie']);

export class RuntimeCache {
  /** By URL. */
  readonly entries = new Map<string, Entry>();
  readonly #server: Server;

  private constructor() {
    // The runtime names no host beside the whole address.
    this.#server = createServer({ requireHostHeader: false }, (request, response) => {
      const { method = '', url: key = '' } = request;
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part)).on('end', () => {
        const { status, headers, body } = this.#answer(method, key, Buffer.concat(parts));
        response.writeHead(status, headers.flat()).end(body);
      });
    });
  }

  static async start(): Promise<RuntimeCache> {
    const cache = new RuntimeCache();
    cache.#server.listen(0, '127.0.0.1');
    await once(cache.#server, 'listening');
    return cache;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #answer(method: string, key: string, body: Buffer): { status: number; headers: [string, string][]; body: Buffer } {
    const empty = Buffer.alloc(0);
    if (method === 'PUT') return { status: this.#put(key, body) ? 204 : 413, headers: [], body: empty };
    if (method === 'PURGE') return { status: this.entries.delete(key) ? 200 : 404, headers: [], body: empty };
    const found = this.entries.get(key);
    if (found === undefined || Date.now() > found.untilMs) return { status: 504, headers: [['CF-Cache-Status', 'MISS']], body: empty };
    return { status: 200, headers: [...found.headers, ['CF-Cache-Status', 'HIT'], ['Age', '1'], ['Content-Length', String(found.body.length)]], body: found.body };
  }

  #put(key: string, answer: Buffer): boolean {
    const headEnd = answer.indexOf(LINE_END + LINE_END);
    const [first = '', ...lines] = answer.subarray(0, headEnd).toString('latin1').split(LINE_END);
    const all = lines.map((line): [string, string] => [line.slice(0, line.indexOf(':')).trim(), line.slice(line.indexOf(':') + 1).trim()]);
    const rule = all.find(([name]) => name.toLowerCase() === 'cache-control')?.[1] ?? '';
    const seconds = Number(/max-age=(\d+)/.exec(rule)?.[1] ?? 0);
    if (!first.startsWith('HTTP/1.1 200 ') || seconds === 0 || /private|no-store/.test(rule) || all.some(([name]) => name.toLowerCase() === 'set-cookie')) return false;
    this.entries.set(key, { headers: all.filter(([name]) => !UNKEPT.has(name.toLowerCase())), body: answer.subarray(headEnd + 4), untilMs: Date.now() + seconds * 1000 });
    return true;
  }
}
