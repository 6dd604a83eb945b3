/** deploy/edge/worker in a real workerd; where that cannot be had, in this process with Node's own fetch, which is said. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { createLogger, Ctx, freePort, Shutdown } from '@reelay/runtime';
import { Supervisor } from '@reelay/runtime/supervisor';
import { buildWorker } from '../../deploy/edge/worker/build.mjs';
import { createEdge } from '../../deploy/edge/worker/edge.ts';
import { pause } from './eventually.ts';

const WORKER = resolve(import.meta.dirname, '../../deploy/edge/worker');
const HOST = '127.0.0.1';
/** Of one connection alone. */
const HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'expect']);
const run = promisify(execFile);

export interface EdgeWorker {
  readonly baseUrl: string;
  readonly runtime: 'workerd' | 'node';
  stop(): Promise<void>;
}

const programOf = (): string => process.env['WORKERD_PATH'] ?? join(WORKER, `node_modules/@cloudflare/workerd-linux-${process.arch === 'arm64' ? 'arm64' : '64'}/bin/workerd`);

/** `REELAY_TEST_WORKERD=off` tries the other way. */
const isOff = (): boolean => process.env['REELAY_TEST_WORKERD'] === 'off';

/** The program, installed from the lock file beside it if need be; null where it does not run. */
const findWorkerd = async (): Promise<string | null> => {
  if (isOff()) return null;
  try {
    if (!existsSync(programOf())) await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: WORKER, timeout: 120_000 });
    await run(programOf(), ['--version'], { timeout: 20_000 });
    return programOf();
  } catch {
    return null;
  }
};

/** The configuration for workerd, with a cache service behind the Cache API when there is an address of one. */
const writeConfig = async (path: string, cacheAddress: string | null): Promise<void> => {
  const config = await readFile(join(WORKER, 'workerd.capnp'), 'utf8');
  if (cacheAddress === null) return writeFile(path, config);
  const withCache = config
    .replace('services = [', `services = [\n    (name = "cache", external = (address = "${cacheAddress}", http = (style = proxy))),`)
    .replace(/( *#[^\n]*\n)* *\(name = "REELAY_CACHE_API"[^\n]*\n/, '')
    .replace('compatibilityDate =', 'cacheApiOutbound = "cache",\n  compatibilityDate =');
  return writeFile(path, withCache);
};

/** @param gateways their origins @param secret the lines of their secret file @param cacheAddress of what keeps for the Cache API; null: memory */
export const startEdgeWorker = async (gateways: readonly string[], secret: string, cacheAddress: string | null = null): Promise<EdgeWorker> => {
  const program = await findWorkerd();
  const port = await freePort(HOST);
  const baseUrl = `http://${HOST}:${port}`;
  if (program === null) return inThisProcess(gateways, secret, port);
  const folder = await mkdtemp(join(tmpdir(), 'reelay-worker-'));
  await Promise.all([buildWorker(join(folder, 'worker.js')), writeConfig(join(folder, 'workerd.capnp'), cacheAddress)]);
  const supervisor = new Supervisor({ logger: createLogger({ service: 'test', level: 'silent' }), env: process.env });
  const complaints: string[] = [];
  const proc = supervisor.spawn(Ctx.root('workerd'), {
    name: 'workerd', argv0: program, args: ['serve', ...(process.env['TEST_LOG'] === '1' ? ['--verbose'] : []), join(folder, 'workerd.capnp'), `--socket-addr=http=${HOST}:${port}`], group: 'own', env: { REELAY_GATEWAYS: gateways.join(' '), REELAY_SECRET: secret }, onStderrLine: (line) => {
      complaints.push(line);
      if (process.env['TEST_LOG'] === '1') process.stderr.write(`${line}\n`);
    },
  });
  while (!(await answers(port))) {
    if (!proc.alive) throw new Error(`workerd ended: ${JSON.stringify(await proc.exit)} ${complaints.join('\n')}`);
    await pause(20);
  }
  return {
    baseUrl, runtime: 'workerd',
    stop: async () => {
      await supervisor.terminateAll(new Shutdown('the test ends'), 2_000);
      await rm(folder, { recursive: true, force: true });
    },
  };
};

const bodyOf = (incoming: IncomingMessage): ReadableStream<Uint8Array> => new ReadableStream({
  start(controller) {
    incoming.on('data', (chunk: Buffer) => controller.enqueue(new Uint8Array(chunk))).once('end', () => controller.close()).once('error', (error) => controller.error(error));
  },
});

/** The same application behind a plain server. */
const inThisProcess = async (gateways: readonly string[], secret: string, port: number): Promise<EdgeWorker> => {
  const app = createEdge({ gateways: gateways.join(' '), secret, fetch, cache: null, now: () => Date.now() });
  const server = createServer((incoming, outgoing) => {
    const { method = 'GET', url = '/', headers } = incoming;
    const leave = new AbortController();
    outgoing.once('close', () => leave.abort());
    const hasBody = method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS';
    const given = Object.entries(headers).flatMap(([name, value]) => (typeof value === 'string' && !HOP.has(name) ? [[name, value] as const] : []));
    const init: RequestInit & { duplex: 'half' } = { method, headers: Object.fromEntries(given), body: hasBody ? bodyOf(incoming) : null, duplex: 'half', signal: leave.signal };
    const answer = async (): Promise<void> => {
      const { status, headers: told, body } = await app.fetch(new Request(`http://${HOST}:${port}${url}`, init));
      outgoing.writeHead(status, [...told].filter(([name]) => !HOP.has(name)).flat());
      if (body === null) outgoing.end();
      else Readable.from(body).on('error', () => outgoing.destroy()).pipe(outgoing);
    };
    answer().catch(() => outgoing.destroy());
  });
  server.listen(port, HOST);
  await once(server, 'listening');
  return {
    baseUrl: `http://${HOST}:${port}`, runtime: 'node',
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};

const answers = (port: number): Promise<boolean> => new Promise((done) => {
  const socket = connect(port, HOST, () => done(true)).once('error', () => done(false));
  socket.once('connect', () => socket.destroy());
});
