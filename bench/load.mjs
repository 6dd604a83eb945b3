// Readers with keep-alive connections that look at nothing but lengths: they must cost less than what they measure.
import { connect } from 'node:net';

const END_OF_HEAD = Buffer.from('\r\n\r\n');

/** One connection that asks for one path after the other. @param {{ port: number, nextPath: () => string | null, headers: string, onAnswer: (bytes: number) => void }} options */
const reader = ({ port, nextPath, headers, onAnswer }) =>
  new Promise((resolve, reject) => {
    let left = 0;
    let size = 0;
    let head = Buffer.alloc(0);
    const ask = () => {
      const path = nextPath();
      if (path === null) socket.end();
      else socket.write(`GET ${path} HTTP/1.1\r\nhost: bench\r\n${headers}\r\n`);
    };
    /** @param {Buffer} came */
    const take = (came) => {
      let chunk = came;
      let body = chunk.length;
      if (left === 0) {
        // Most come with a megabyte of the body behind: copying that cost a third of the client's time, and of all that was measured.
        if (head.length > 0) chunk = Buffer.concat([head, chunk]);
        const end = chunk.indexOf(END_OF_HEAD);
        if (end < 0) {
          head = Buffer.from(chunk);
          return;
        }
        const text = chunk.toString('latin1', 0, end);
        const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1];
        if (!text.startsWith('HTTP/1.1 200 ') || length === undefined) {
          socket.destroy(new Error(`not what was asked for: ${text}`));
          return;
        }
        size = Number(length);
        left = size;
        body = chunk.length - end - END_OF_HEAD.length;
        head = Buffer.alloc(0);
      }
      left -= body;
      if (left > 0) return;
      onAnswer(size);
      ask();
    };
    const socket = connect({
      port, host: '127.0.0.1',
      // One buffer for all that comes: nothing is kept.
      onread: { buffer: Buffer.allocUnsafe(1 << 20), callback: (/** @type {number} */ read, /** @type {Uint8Array} */ buffer) => {
        take(Buffer.from(buffer.buffer, buffer.byteOffset, read));
        return true;
      } },
    });
    socket.once('connect', ask).once('error', reject).once('close', () => resolve(undefined));
  });

/**
 * Reads for `ms`, the paths in turn. @param {{ port: number, paths: string[], headers?: Record<string, string>, connections: number, ms: number }} options
 * @returns {Promise<{ requests: number, bytesPerSecond: number }>}
 */
export const drive = async ({ port, paths, headers = {}, connections, ms }) => {
  let next = 0;
  let requests = 0;
  let bytes = 0;
  const startedAt = performance.now();
  const nextPath = () => (performance.now() - startedAt > ms ? null : paths[next++ % paths.length] ?? null);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const onAnswer = (/** @type {number} */ size) => {
    requests += 1;
    bytes += size;
  };
  await Promise.all(Array.from({ length: connections }, () => reader({ port, nextPath, headers: lines, onAnswer })));
  return { requests, bytesPerSecond: bytes / ((performance.now() - startedAt) / 1000) };
};

/**
 * Connections that ask for one path each and then read almost nothing.
 * @param {{ port: number, paths: string[], headers?: Record<string, string>, count: number }} options
 * @returns {Promise<() => void>} ends them
 */
export const slowReaders = async ({ port, paths, headers = {}, count }) => {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const sockets = await Promise.all(Array.from({ length: count }, (_, n) => new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => {
      socket.write(`GET ${paths[n % paths.length]} HTTP/1.1\r\nhost: bench\r\n${lines}\r\n`);
      socket.once('readable', () => {
        socket.read(1);
        resolve(socket);
      });
    });
    socket.once('error', reject);
  })));
  return () => {
    for (const socket of sockets) socket.destroy();
  };
};
