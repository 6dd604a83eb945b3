// nginx as the peer of what is measured, and in front of it with deploy/edge.
import { spawn } from 'node:child_process';
import { chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { freePort, run } from './system.mjs';

const program = process.env['NGINX_PATH'] ?? 'nginx';
const edge = resolve(import.meta.dirname, '../deploy/edge');

/** @returns {Promise<boolean>} */
export const hasNginx = () => run(program, ['-v']).then(() => true, () => false);

/** @param {string} folder @param {number} port */
const start = async (folder, port) => {
  const globals = process.getuid?.() === 0 ? 'daemon off; user root;' : 'daemon off;';
  const child = spawn(program, ['-p', folder, '-c', 'nginx.conf', '-g', globals], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = new Promise((done) => child.once('exit', done));
  for (;;) {
    const up = await new Promise((answer) => {
      const socket = connect(port, '127.0.0.1', () => answer(true)).once('error', () => answer(false));
      socket.once('connect', () => socket.destroy());
    });
    if (up) break;
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`);
    await new Promise((next) => setTimeout(next, 20));
  }
  return { port, pid: child.pid ?? 0, stop: async () => { child.kill('SIGTERM'); await ended; } };
};

/** One worker, as fast as it can be: files from a folder. @param {string} folder @param {string} root */
export const startStatic = async (folder, root) => {
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o755);
  const port = await freePort();
  await writeFile(join(folder, 'nginx.conf'), `worker_processes 1; pid nginx.pid; error_log stderr warn;
events { worker_connections 4096; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  server { listen 127.0.0.1:${port}; root ${root}; } }`);
  return start(folder, port);
};

/** deploy/edge in front of a gateway. @param {string} folder @param {string} gateway host:port */
export const startEdge = async (folder, gateway) => {
  await mkdir(join(folder, 'cache'), { recursive: true });
  await chmod(folder, 0o755);
  const port = await freePort();
  const values = { REELAY_EDGE_LISTEN: `127.0.0.1:${port}`, REELAY_GATEWAY_A: gateway, REELAY_GATEWAY_B: gateway, REELAY_EDGE_CACHE: join(folder, 'cache') };
  const template = await readFile(join(edge, 'reelay.conf.template'), 'utf8');
  await writeFile(join(folder, 'reelay.conf'), template.replaceAll(/\$\{(REELAY_[A-Z_]+)\}/g, (all, name) => /** @type {Record<string, string>} */ (values)[name] ?? all));
  await copyFile(join(edge, 'nginx.conf'), join(folder, 'nginx.conf'));
  return start(folder, port);
};
