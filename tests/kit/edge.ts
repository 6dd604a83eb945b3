/** A real nginx with deploy/edge in front of two gateways, in a folder of its own, without root's ports and paths. */
import { connect } from 'node:net';
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createLogger, Ctx, freePort, Shutdown } from '@reelay/runtime';
import { Supervisor } from '@reelay/runtime/supervisor';
import { pause } from './eventually.ts';

const EDGE = resolve(import.meta.dirname, '../../deploy/edge');
const HOST = '127.0.0.1';
/** nginx gives its workers away to another user when root starts it; here they keep to the folder they were given. */
const GLOBALS = process.getuid?.() === 0 ? 'daemon off; user root;' : 'daemon off;';

export interface Edge {
  readonly baseUrl: string;
  /** One line per request, up to now. */
  accessLog(): Promise<string>;
  /** The keys under which something is kept, as they lie on the disk. */
  cacheKeys(): Promise<string>;
  /** What nginx complained about. */
  errors(): string;
  stop(): Promise<void>;
}

/** The site as an operator makes it: the template with its variables filled in. */
const siteOf = (template: string, values: Record<string, string>): string => template.replaceAll(/\$\{(REELAY_[A-Z_]+)\}/g, (all, name: string) => values[name] ?? all);

/** @param gateways their addresses, host:port */
export const startEdge = async (gateways: readonly [string, string]): Promise<Edge> => {
  const folder = await mkdtemp(join(tmpdir(), 'reelay-edge-'));
  await chmod(folder, 0o755);
  await mkdir(join(folder, 'cache'));
  const port = await freePort(HOST);
  const template = await readFile(join(EDGE, 'reelay.conf.template'), 'utf8');
  await writeFile(join(folder, 'reelay.conf'), siteOf(template, {
    REELAY_EDGE_LISTEN: `${HOST}:${port}`, REELAY_GATEWAY_A: gateways[0], REELAY_GATEWAY_B: gateways[1], REELAY_EDGE_CACHE: join(folder, 'cache'),
  }));
  await copyFile(join(EDGE, 'nginx.conf'), join(folder, 'nginx.conf'));
  const supervisor = new Supervisor({ logger: createLogger({ service: 'test', level: 'silent' }), env: process.env });
  const complaints: string[] = [];
  const proc = supervisor.spawn(Ctx.root('nginx'), {
    name: 'nginx', argv0: process.env['NGINX_PATH'] ?? 'nginx', args: ['-p', folder, '-c', 'nginx.conf', '-g', GLOBALS], group: 'own', onStderrLine: (line) => complaints.push(line),
  });
  while (!(await answers(port))) {
    if (!proc.alive) throw new Error(`nginx ended: ${JSON.stringify(await proc.exit)} ${complaints.join('\n')}`);
    await pause(20);
  }
  return {
    baseUrl: `http://${HOST}:${port}`,
    accessLog: () => readFile(join(folder, 'access.log'), 'utf8'),
    cacheKeys: () => keysIn(join(folder, 'cache')),
    errors: () => complaints.join('\n'),
    stop: async () => {
      await supervisor.terminateAll(new Shutdown('the test ends'), 2_000);
      await rm(folder, { recursive: true, force: true });
    },
  };
};

const keysIn = async (folder: string): Promise<string> => {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const heads = await Promise.all(files.map(async ({ parentPath, name }) => (await readFile(join(parentPath, name))).subarray(0, 2_000).toString('latin1')));
  return heads.map((head) => /\nKEY: (.*)\n/.exec(head)?.[1] ?? '').join('\n');
};

const answers = (port: number): Promise<boolean> => new Promise((done) => {
  const socket = connect(port, HOST, () => done(true)).once('error', () => done(false));
  socket.once('connect', () => socket.destroy());
});
