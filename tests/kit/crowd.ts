/** Viewers that come and go at random moments, in every way a client can go away; and what they leave behind. */
import { readdirSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { type ClientRequest, get as httpGet, type IncomingMessage } from 'node:http';
import type { StreamList } from '@reelay/contracts';
import type { Sql } from '@reelay/store';
import type { Figures } from '../long/torture/figures.ts';
import { EndWatch } from './end-watch.ts';
import { pause } from './eventually.ts';
import { descriptorsOf, isGone, zombiesOf } from './processes.ts';
import type { Randomness } from './random.ts';
import type { System } from './system.ts';

export interface CrowdOptions {
  system: System;
  random: Randomness;
  figures: Figures;
  viewers: number;
  /** How many are there at the same time. */
  atOnce: number;
  /** Tokens of people who watch. */
  tokens: readonly string[];
  film: { videoId: string; masterUrl: string; durationSeconds: number; segments: number };
  /** A client that takes nothing for so long is cut off. */
  stallMs: number;
}

const LEAVES = [
  'before the answer', 'before the answer', 'before the answer', 'in the middle', 'in the middle', 'in the middle', 'in the middle', 'while it pauses', 'while it pauses',
  'at the end', 'at the end', 'frozen',
] as const;
type Leave = (typeof LEAVES)[number];
/** What its encoder does when it is to end. */
type Manner = 'ends' | 'stopped' | 'ignores TERM';

/** Nothing lives longer than this: the test would rather fail than wait. */
const PATIENCE_MS = 60_000;

export class Crowd {
  readonly #options: CrowdOptions;
  /** One line for each thing that went wrong. */
  readonly wrong: string[] = [];
  readonly #ends = new EndWatch();

  constructor(options: CrowdOptions) {
    this.#options = options;
  }

  /** Resolves when all have come and gone. */
  async run(): Promise<void> {
    const { viewers, atOnce } = this.#options;
    let next = 0;
    await Promise.all(Array.from({ length: atOnce }, async () => {
      while (next < viewers) {
        next += 1;
        const number = next;
        try {
          await this.#visit(number);
        } catch (error) {
          this.wrong.push(`viewer ${number}: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
    }));
    await this.#ends.stop();
  }

  async #visit(number: number): Promise<void> {
    const random = this.#options.random.branch(`viewer ${number}`);
    const leave = random.pick(LEAVES);
    if (random.next() < 0.5) await this.#watchSegments(random, leave);
    else await this.#watchLive(number, random, leave);
  }

  async #watchSegments(random: Randomness, leave: Leave): Promise<void> {
    const { film, figures } = this.#options;
    figures.count('viewers of segments', leave);
    const first = random.between(0, film.segments - 4);
    const rendition = random.pick(['h240', 'a0']);
    for (let n = first; n < first + (leave === 'at the end' ? 3 : 1); n += 1) {
      const viewer = this.#open(new URL(`${rendition}/${n}.m4s`, film.masterUrl).href, random);
      if (leave === 'before the answer') await pause(random.between(0, 400));
      else if (!(await this.#answered(viewer, 'segments'))) return;
      if (leave === 'in the middle') await viewer.chunk();
      if (leave === 'while it pauses' || leave === 'frozen') {
        viewer.stand();
        await pause(random.between(50, leave === 'frozen' ? 2_000 : 300));
      }
      if (leave === 'at the end') await viewer.end();
      viewer.leave();
    }
  }

  async #watchLive(number: number, random: Randomness, leave: Leave): Promise<void> {
    const { film, figures, stallMs } = this.#options;
    const manner: Manner = leave === 'at the end' ? 'ends' : random.pick(['ends', 'ends', 'ends', 'stopped', 'ignores TERM'] as const);
    // No two begin at the same time, so that each encoder is known by its arguments; the fraction says how it behaves.
    const fraction = (manner === 'ignores TERM' ? 500_000 : 0) + number;
    const start = `${leave === 'at the end' ? Math.floor(film.durationSeconds) - 3 : random.between(1, Math.floor(film.durationSeconds) - 60)}.${String(fraction).padStart(6, '0')}`;
    figures.count('viewers of live films', leave);
    const viewer = this.#open(new URL(`/api/media/videos/${film.videoId}/live.mp4?start=${start}&height=240`, film.masterUrl).href, random);
    if (leave === 'before the answer') {
      await pause(random.between(0, 900));
      viewer.leave();
      return;
    }
    if (!(await this.#answered(viewer, 'live films'))) return;
    await viewer.chunk();
    if (leave === 'at the end') {
      await viewer.end();
      return;
    }
    await pause(random.between(0, 400));
    const encoders = encodersOf(start);
    if (encoders.length === 0) this.wrong.push(`viewer ${number}: no encoder begins at ${start}`);
    if (manner === 'stopped') for (const pid of encoders) signal(pid, 'SIGSTOP');
    figures.count('encoders that were left', manner);
    viewer.stand();
    if (leave === 'while it pauses') await pause(random.between(50, 300));
    const ended = this.#ends.ended(encoders, PATIENCE_MS);
    const leftMs = performance.now();
    if (leave !== 'frozen') viewer.leave();
    const tookMs = (await ended) - leftMs;
    viewer.leave();
    if (!encoders.every(isGone)) this.wrong.push(`viewer ${number} (${leave}, ${manner}): its encoder lives ${Math.round(tookMs)} ms after`);
    figures.took(leave === 'frozen' ? `socket frozen: encoder gone, beyond the ${stallMs / 1_000} s limit (the kernel's buffers fill first)` : `encoder that ${manner === 'stopped' ? 'is stopped' : manner}: gone after its viewer`, leave === 'frozen' ? Math.max(0, tookMs - stallMs) : tookMs);
  }

  #open(url: string, random: Randomness): Viewer {
    return new Viewer(url, { authorization: `Bearer ${random.pick(this.#options.tokens)}` });
  }

  /** False when there was no place: then the answer must say when to come back. */
  async #answered(viewer: Viewer, what: string): Promise<boolean> {
    const answer = await viewer.answer;
    if (answer.statusCode === 200) return true;
    const text = await viewer.text();
    if (answer.statusCode !== 503 || !(Number(answer.headers['retry-after']) > 0)) this.wrong.push(`${what}: answered ${answer.statusCode} ${text.slice(0, 300)}`);
    this.#options.figures.count(`refusals of ${what}`, (JSON.parse(text) as { code?: string }).code ?? 'none');
    await pause(200);
    return false;
  }
}

/** One request on a socket of its own. */
class Viewer {
  readonly answer: Promise<IncomingMessage>;
  readonly #request: ClientRequest;
  #message: IncomingMessage | null = null;

  constructor(url: string, headers: Record<string, string>) {
    this.#request = httpGet(url, { headers, agent: false });
    this.answer = new Promise((resolve, reject) => {
      this.#request.once('response', (message) => {
        this.#message = message;
        message.on('error', () => {});
        resolve(message);
      });
      this.#request.once('error', reject);
    });
    this.answer.catch(() => {});
  }

  /** The first bytes are here. */
  async chunk(): Promise<void> {
    const message = await this.answer;
    await new Promise<void>((resolve, reject) => {
      message.once('data', () => resolve());
      message.once('end', () => resolve());
      message.once('close', () => reject(new Error('the answer broke off before its first bytes')));
    });
  }

  async end(): Promise<void> {
    const message = await this.answer;
    if (message.readableEnded) return;
    message.resume();
    await new Promise<void>((resolve, reject) => {
      message.once('end', () => resolve());
      message.once('close', () => reject(new Error('the answer broke off before its end')));
    });
  }

  async text(): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of await this.answer) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString();
  }

  /** Takes nothing any more. */
  stand(): void {
    this.#message?.pause();
    this.#request.socket?.pause();
  }

  leave(): void {
    this.#request.destroy();
  }
}

const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name);
  } catch {
    // It ended by itself meanwhile.
  }
};

/** Processes that were told to begin at a time: an encoder, and what stands in front of it. */
const encodersOf = (start: string): number[] =>
  readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`\0-ss\0${start}\0`);
    } catch {
      return false;
    }
  });

/** Descriptors of the services by what they are: files by name, the rest by kind. */
export const descriptorCounts = (system: System): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const program of ['gateway', 'scheduler', 'node-agent'] as const) {
    for (const target of descriptorsOf(system.pidOf(program))) {
      const key = `${program} ${target.startsWith('/') ? target : target.replace(/:.*/, '')}`;
      counts[key] = (counts[key] ?? 0) + 1;
    }
  }
  return counts;
};

/** What nobody may find when the crowd is gone, one line each. */
export const crowdLeftovers = async (system: System, sql: Sql, streams: () => Promise<StreamList>): Promise<string[]> => {
  const rows = await sql<{ id: string }[]>`select id from sessions`;
  const files = (await readdir(system.folder, { recursive: true })).filter((name) => /\.(part|tmp)$/.test(name));
  return [
    ...(await system.workers()).map(({ pid, command }) => `process ${pid}: ${command.slice(0, 200)}`),
    ...(['gateway', 'scheduler', 'node-agent'] as const).flatMap((program) => zombiesOf(system.pidOf(program)).map(({ pid }) => `zombie ${pid} of ${program}`)),
    ...rows.map(({ id }) => `session ${id} in the database`),
    ...(await streams()).data.map(({ id, kind, state }) => `stream ${id} (${kind}, ${state})`),
    ...files.map((name) => `file ${name}`),
  ];
};
