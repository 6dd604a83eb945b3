import { createServer } from 'node:net';
import { errorCode, ReelayError } from '@reelay/runtime';

/** The port people connect to is taken. */
class PortTaken extends ReelayError {
  readonly code = 'port_taken';
  constructor(port: number, cause: unknown) {
    super(`port ${port} is used by another program; stop that or set PORT to another one`, { port }, cause);
  }
}

/** This user may not listen there. */
class PortForbidden extends ReelayError {
  readonly code = 'port_forbidden';
  constructor(host: string, port: number, cause: unknown) {
    super(`cannot listen on ${host}, port ${port} (${errorCode(cause) ?? 'unknown error'}); set HOST or PORT to others`, { host, port }, cause);
  }
}

function listenOnce(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, host, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : port));
    });
  });
}

/** A port that is free right now. */
export function freePort(host = '127.0.0.1'): Promise<number> {
  return listenOnce(host, 0);
}

/** The port asked for, or a free one for 0. @throws PortTaken, PortForbidden */
export async function claimPort(host: string, port: number): Promise<number> {
  try {
    return await listenOnce(host, port);
  } catch (error) {
    if (errorCode(error) === 'EADDRINUSE') throw new PortTaken(port, error);
    throw new PortForbidden(host, port, error);
  }
}
