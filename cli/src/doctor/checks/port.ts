import { readdir, readFile, readlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { errorCode, terminalText } from '@reelay/runtime';
import { type Check, fail, ok, warn } from '../check.ts';

const LIMIT_MS = 8_000;
const LISTENING = '0A';

const tryListen = (host: string, port: number): Promise<string | null> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(errorCode(error) ?? 'unknown error'));
    server.listen(port, host, () => server.close(() => resolve(null)));
  });

/** Inodes of the sockets that listen on the port. */
const socketsOn = async (port: number): Promise<Set<string>> => {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((path) => readFile(path, 'utf8').catch(() => '')));
  const rows = tables.flatMap((table) => table.split('\n').slice(1).map((line) => line.trim().split(/\s+/)));
  return new Set(rows.filter((columns) => columns[1]?.endsWith(`:${hex}`) === true && columns[3] === LISTENING).map((columns) => columns[9] ?? ''));
};

/** The process that listens on a port, as far as this user may see: `1234 (nginx)`. */
const listenerOn = async (port: number): Promise<string | null> => {
  const inodes = await socketsOn(port);
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const files = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const file of files) {
      const target = await readlink(`/proc/${pid}/fd/${file}`).catch(() => '');
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (inode === undefined || !inodes.has(inode)) continue;
      const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ').trim();
      return `process ${pid} (${terminalText(command).slice(0, 80) || 'unknown'})`;
    }
  }
  return null;
};

const look: Check['look'] = async ({ place: { host, port }, instance, gateway }) => {
  const url = instance?.facts?.url;
  if (url !== undefined) return [ok(`The gateway of the running system has its port (${gateway.url === url ? url : new URL(url).port})`)];
  if (port === 0) return [ok('Port: a free one is picked at each start')];
  const problem = await tryListen(host, port);
  if (problem === null) return [ok(`Port ${port} on ${host} is free`)];
  if (problem === 'EADDRINUSE') {
    const who = await listenerOn(port);
    const text = `Port ${port} is taken by ${who ?? 'a process that this user may not see'}`;
    return [instance === null ? warn(text, 'if that is no Reelay: stop it, or set PORT to another one') : ok(text)];
  }
  if (problem === 'EACCES') return [fail(`This user may not listen on port ${port}`, 'choose one above 1023, or give node the right (AmbientCapabilities=CAP_NET_BIND_SERVICE of the unit)')];
  return [fail(`${host}, port ${port}: cannot listen there (${problem})`, 'HOST must be an address of this machine, PORT from 0 to 65535')];
};

export const portChecks: Check[] = [{ id: 'port', group: 'Processes', limitMs: LIMIT_MS, look }];
