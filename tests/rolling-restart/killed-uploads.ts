/** Uploads that begin on one gateway, which is killed at a byte of chance, and go on at the other. */
import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page, Video } from '@reelay/contracts';
import { pause } from '../kit/eventually.ts';
import { GatewayProcess } from '../kit/gateway-process.ts';
import type { Randomness } from '../kit/random.ts';
import { startSystem, type System } from '../kit/system.ts';
import { Client } from '../system/client.ts';

const BYTES = 3_000_000;
const PIECES = 60;
const TUS = { 'tus-resumable': '1.0.0' };

export interface KilledUploads {
  rounds: number;
  /** Bytes the server had when the second gateway was asked, in the order of the rounds. */
  offsets: number[];
  /** From the first request to the second gateway to its answer: the longest. */
  longestWaitMs: number;
  /** How often the video was there already. */
  finishedBefore: number;
  wrongs: string[];
}

/** Every other round the kill falls close to the last byte, where the video is being made. */
export const killUploads = async (rounds: number, random: Randomness): Promise<KilledUploads> => {
  const system = await startSystem();
  const [first, second] = [await GatewayProcess.beside(system, 'a', {}), await GatewayProcess.beside(system, 'b', {})];
  const result: KilledUploads = { rounds, offsets: [], longestWaitMs: 0, finishedBefore: 0, wrongs: [] };
  try {
    await Promise.all([first.start(), second.start()]);
    const client = new Client(`http://${second.address}`);
    await client.login('admin', system.adminPassword);
    for (let round = 0; round < rounds; round += 1) {
      await oneRound({ first, second, client, system, random, result }, round);
      await first.start();
    }
    const left = (await readdir(join(system.libraryRoot, 'inbox/.uploads'))).concat((await readdir(join(system.libraryRoot, 'inbox'))).filter((name) => name.endsWith('.part')));
    if (left.length > 0) result.wrongs.push(`left behind: ${left.join(', ')}`);
  } finally {
    await Promise.all([first.stop('SIGKILL'), second.stop('SIGKILL')]);
    await system.stop();
  }
  return result;
};

interface Round {
  first: GatewayProcess;
  second: GatewayProcess;
  client: Client;
  system: System;
  random: Randomness;
  result: KilledUploads;
}

const oneRound = async ({ first, second, client, system, random, result }: Round, round: number): Promise<void> => {
  const name = `killed ${round}.mp4`;
  const content = randomBytes(BYTES);
  const headers = { ...TUS, authorization: `Bearer ${client.token}` };
  const created = await fetch(`http://${first.address}/api/media/uploads`, { method: 'POST', headers: { ...headers, 'upload-length': String(BYTES), 'upload-metadata': `filename ${Buffer.from(name).toString('base64')}` } });
  const location = created.headers.get('location') ?? '';
  const sent = sendUntilCut(first, location, headers, content);
  if (round % 2 === 0) await pause(random.next() * 300);
  else {
    await sent.allSent;
    await pause(random.next() * 60);
  }
  await first.stop('SIGKILL');
  await sent.over;
  const startedMs = performance.now();
  const head = await fetch(`http://${second.address}${location}`, { method: 'HEAD', headers });
  result.longestWaitMs = Math.max(result.longestWaitMs, Math.round(performance.now() - startedMs));
  const offset = Number(head.headers.get('upload-offset'));
  result.offsets.push(offset);
  let videoId = head.headers.get('x-reelay-video-id');
  if (videoId === null) {
    const rest = await fetch(`http://${second.address}${location}`, { method: 'PATCH', headers: { ...headers, 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream' }, body: content.subarray(offset) });
    videoId = rest.headers.get('x-reelay-video-id');
    if (rest.status !== 204) result.wrongs.push(`${name}: ${rest.status} ${await rest.text()}`);
  } else result.finishedBefore += 1;
  const { data } = await client.ok<Page<Video>>('GET', '/api/media/videos?limit=100&sort=-createdAt');
  const videos = data.filter(({ filename }) => filename.startsWith(name.slice(0, -4)));
  if (videos.length !== 1 || videos[0]?.id !== videoId) result.wrongs.push(`${name}: ${videos.length} videos, id ${videoId}`);
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(join(system.libraryRoot, videos[0]?.path ?? ''))) hash.update(chunk as Buffer);
  if (hash.digest('hex') !== createHash('sha256').update(content).digest('hex')) result.wrongs.push(`${name}: other bytes than were sent`);
};

/** Sends the content in small pieces until it is sent or the gateway is gone. */
const sendUntilCut = (gateway: GatewayProcess, location: string, headers: Record<string, string>, content: Buffer): { allSent: Promise<void>; over: Promise<void> } => {
  const [host, port] = gateway.address.split(':');
  const sending = request({ host, port, path: location, method: 'PATCH', headers: { ...headers, 'upload-offset': '0', 'content-type': 'application/offset+octet-stream', 'content-length': String(content.length) } });
  const over = new Promise<void>((resolve) => {
    sending.once('close', resolve);
  });
  sending.on('error', () => {}).on('response', (response) => response.resume());
  const allSent = (async () => {
    const size = Math.ceil(content.length / PIECES);
    for (let at = 0; at < content.length && !sending.destroyed; at += size) {
      sending.write(content.subarray(at, at + size));
      await pause(4);
    }
    sending.end();
  })();
  return { allSent, over };
};
