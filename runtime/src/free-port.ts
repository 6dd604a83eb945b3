import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/** Below it live well-known services. */
const LOWEST = 10_240;
/** Where Linux begins unless told otherwise to take ports for outgoing connections. */
const DEFAULT_EPHEMERAL = 32_768;
const TRIES = 20;

/** The port bound, then let go. @throws the error of listen */
export function tryPort(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, host, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : port));
    });
  });
}

function firstEphemeral(): number {
  try {
    return Number.parseInt(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'), 10) || DEFAULT_EPHEMERAL;
  } catch {
    return DEFAULT_EPHEMERAL;
  }
}

/**
 * A port that is free right now and that no outgoing connection takes before a server is started on it: one below the
 * range that the kernel gives out. A port of that range is lost to some connection of this machine now and then.
 * @throws the error of listen, such as EADDRNOTAVAIL
 */
export function freePort(host = '127.0.0.1'): Promise<number> {
  return pick(host, firstEphemeral(), TRIES);
}

async function pick(host: string, end: number, tries: number): Promise<number> {
  if (tries === 0 || end <= LOWEST) return tryPort(host, 0);
  return tryPort(host, randomInt(LOWEST, end)).catch(() => pick(host, end, tries - 1));
}
