// Promise: sixteen films that are opened for the first time at once hold up nobody else. A connection of its own asks for
// /healthz one time after the other, from another thread; the longest it waits is told beside what it waits while nothing happens.
import { copyFile, utimes } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { ffmpegPath, quantile, run, timeUntil } from './system.mjs';

const FILMS = 16;

/** Asks until it is told to stop, then tells how long each answer took. @param {number} port */
const askOnAndOn = (port) => {
  /** @type {number[]} */
  const waits = [];
  let since = 0;
  let over = false;
  const socket = connect({ port, host: '127.0.0.1' });
  const ask = () => {
    since = performance.now();
    socket.write('GET /healthz HTTP/1.1\r\nhost: bench\r\n\r\n');
  };
  socket.once('connect', ask);
  socket.on('data', () => {
    waits.push(performance.now() - since);
    if (over) {
      socket.destroy();
      parentPort?.postMessage(waits, []);
    } else ask();
  });
  parentPort?.once('message', () => {
    over = true;
  });
};

/** How long answers take while `work` goes on, in ms. @param {number} port @param {() => Promise<unknown>} work @returns {Promise<number[]>} */
const waitsDuring = async (port, work) => {
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { port } });
  await new Promise((online) => worker.once('online', online));
  await work();
  const waits = await new Promise((told) => {
    worker.once('message', told);
    worker.postMessage('stop', []);
  });
  await worker.terminate();
  return waits;
};

/**
 * The longest that the gateway's event loop was late since this was asked last, in ms: what Node itself measures.
 * @param {import('./system.mjs').BenchSystem} system @param {string} token
 */
const lastLagMs = async (system, token) => {
  const text = await (await fetch(`${system.baseUrl}/metrics`, { headers: { authorization: `Bearer ${token}` } })).text();
  const seconds = /^nodejs_eventloop_lag_max_seconds (\S+)$/m.exec(text)?.[1];
  if (seconds === undefined) throw new Error('the gateway does not say how late its event loop is');
  return Number(seconds) * 1000;
};

/** @param {import('./system.mjs').BenchSystem} system */
export const benchColdOpens = async (system) => {
  const clip = join(system.folder, 'cold.mkv');
  await run(ffmpegPath, ['-v', 'error', '-y', '-f', 'lavfi', '-i', 'testsrc2=size=1920x1080:rate=24:duration=60', '-f', 'lavfi', '-i', 'sine=440:duration=60',
    '-c:v', 'libx264', '-preset', 'ultrafast', '-b:v', '8M', '-g', '48', '-c:a', 'aac', clip]);
  const { token } = await system.api('POST', '/api/auth/login', { username: 'admin', password: 'bench-password' });
  /** @type {string[]} */
  const ids = [];
  for (let n = 0; n < FILMS; n += 1) {
    const copy = join(system.folder, `cold-${n}.mkv`);
    await copyFile(clip, copy);
    await utimes(copy, 1_700_000_000, 1_700_000_000 + n);
    ids.push((await system.upload(copy, `cold-${n}.mkv`)).id);
  }
  for (const id of ids) await timeUntil(performance.now(), async () => (await system.api('GET', `/api/media/videos/${id}`)).valid === true);
  await timeUntil(performance.now(), async () => (await system.api('GET', '/api/media/jobs?status=running,queued,pending')).data.length === 0);
  const port = Number(new URL(system.baseUrl).port);
  await lastLagMs(system, token);
  const idle = await waitsDuring(port, () => new Promise((done) => setTimeout(done, 1_000)));
  const idleLagMs = await lastLagMs(system, token);
  const started = performance.now();
  const busy = await waitsDuring(port, () => Promise.all(ids.map(async (id) => {
    const { masterUrl } = await system.api('GET', `/api/media/videos/${id}/playback`);
    const answer = await fetch(system.baseUrl + masterUrl.replace('master.m3u8', 'v0/4.m4s'), { headers: { authorization: `Bearer ${token}` } });
    if (!answer.ok) throw new Error(`segment: ${answer.status}`);
    await answer.arrayBuffer();
  })));
  const lagMs = await lastLagMs(system, token);
  console.error(`${FILMS} films opened in ${Math.round(performance.now() - started)} ms`);
  const [longest, floor] = [Math.max(...busy), Math.max(...idle)];
  return [{ promise: `event loop late, beside ${FILMS} cold opens at once`, p50Ms: lagMs, p95Ms: lagMs, floorP50Ms: idleLagMs, ratio: lagMs / idleLagMs, limitMs: 50 },
    { promise: `longest wait beside ${FILMS} cold opens at once`, p50Ms: longest, p95Ms: quantile(busy, 0.95), floorP50Ms: floor, ratio: longest / floor, limitMs: 50 }];
};

if (!isMainThread) askOnAndOn(workerData.port);
