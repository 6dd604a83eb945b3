import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { errorCode, ReelayError } from './errors.ts';
import { EXIT_CODES, type ExitCode } from './exit-codes.ts';

/** A TCP port cannot be listened on. */
export class PortUnavailable extends ReelayError {
  readonly code = 'port_unavailable';
  override readonly serviceExit: ExitCode;
  constructor(message: string, fields: { host: string; port: number; pid?: number | undefined }, cause: unknown) {
    super(message, fields, cause);
    this.serviceExit = errorCode(cause) === 'EADDRINUSE' ? EXIT_CODES.unavailable : EXIT_CODES.configuration;
  }
}

interface PortOwner {
  pid: number;
  name: string;
}

const LISTENING = '0A';
const INTERPRETER = /^(node|python[\d.]*|ruby|java|sh|bash)$/;
const FIRST_ORDINARY_PORT = 1024;

/** Who listens on a port of this machine, as far as the system tells this user; else null. */
async function portOwner(port: number): Promise<PortOwner | null> {
  const inodes = new Set((await Promise.all([listeningInodes('/proc/net/tcp', port), listeningInodes('/proc/net/tcp6', port)])).flat());
  if (inodes.size === 0) return null;
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const found = (await Promise.all(pids.map(async (pid) => ((await holdsOne(pid, inodes)) ? pid : null)))).find((pid) => pid !== null);
  return found === undefined || found === null ? null : { pid: Number(found), name: await nameOf(found) };
}

async function listeningInodes(table: string, port: number): Promise<string[]> {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const rows = (await readFile(table, 'utf8').catch(() => '')).split('\n').map((row) => row.trim().split(/\s+/));
  return rows.flatMap(([, local = '', , state, , , , , , inode]) => (state === LISTENING && inode !== undefined && local.endsWith(`:${wanted}`) ? [inode] : []));
}

async function holdsOne(pid: string, inodes: ReadonlySet<string>): Promise<boolean> {
  for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
    const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode !== undefined && inodes.has(inode)) return true;
  }
  return false;
}

/** `nginx`, or `node gateway.js`: not the whole command line, which may hold secrets. */
async function nameOf(pid: string): Promise<string> {
  const [program = '', ...args] = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
  const name = basename(program.split(' ')[0] ?? '');
  const script = INTERPRETER.test(name) ? args.find((arg) => arg !== '' && !arg.startsWith('-')) : undefined;
  if (name !== '') return script === undefined ? name : `${name} ${basename(script)}`;
  return (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => 'unknown')).trim();
}

/** Why `listen` failed, in one sentence with what to do. */
export async function listenFailure(host: string, port: number, error: unknown): Promise<PortUnavailable> {
  const code = errorCode(error);
  const place = `port ${port} on ${host}`;
  const say = (text: string, pid?: number) => new PortUnavailable(text, { host, port, pid }, error);
  if (code === 'EADDRINUSE') {
    const owner = await portOwner(port);
    return say(`${place} is used by ${owner === null ? 'another program' : `process ${owner.pid} (${owner.name})`}; stop that or set PORT to another one`, owner?.pid);
  }
  if (code === 'EACCES' && port < FIRST_ORDINARY_PORT) return say(`${place} is for privileged users; set PORT to one above ${FIRST_ORDINARY_PORT - 1}, or allow it with CAP_NET_BIND_SERVICE`);
  if (code === 'EADDRNOTAVAIL') return say(`${host} is no address of this machine; set HOST to one of its own, or to 0.0.0.0 for all`);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return say(`the name ${host} is not known; set HOST to an address of this machine`);
  if (code === 'EAFNOSUPPORT') return say(`${host} is of a kind that this machine has switched off, such as IPv6; set HOST to another address`);
  return say(`cannot listen on ${place} (${code ?? 'unknown error'}); set HOST or PORT to others`);
}
