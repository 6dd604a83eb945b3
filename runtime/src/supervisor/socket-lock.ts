import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { errorCode } from '../errors.ts';

/** A lock that the kernel frees when this process ends. */
export interface SocketLock {
  close(): Promise<void>;
}

const FIRST_PORT = 20_000;
const PORTS = 10_000;

function address(path: string): { path: string } | { port: number; host: string } {
  const hash = createHash('sha256').update(path).digest();
  if (process.platform === 'linux') return { path: `\0reelay-${hash.toString('hex').slice(0, 32)}` };
  return { port: FIRST_PORT + (hash.readUInt32BE(0) % PORTS), host: '127.0.0.1' };
}

/** Locks the name `path` where there is no flock(1); null when it is taken. */
export function lockBySocket(path: string): Promise<SocketLock | null> {
  const server: Server = createServer((socket) => socket.destroy());
  server.unref();
  return new Promise((resolve, reject) => {
    server.once('error', (error) => (errorCode(error) === 'EADDRINUSE' ? resolve(null) : reject(error)));
    server.listen(address(path), () => {
      resolve({ close: () => new Promise((closed) => server.close(() => closed())) });
    });
  });
}
