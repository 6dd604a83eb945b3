/** A whole system with videos in it, and viewers of them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Playback, StreamList, Video } from '@reelay/contracts';
import { startSystem, type System, type SystemOptions } from '../kit/system.ts';
import { Client } from '../system/client.ts';
import { checkStream } from './check-stream.ts';
import { type Get, getWith, readStream, type Resource, textOf, type ReadOptions, type StreamCopy } from './stream.ts';

const VALIDATED_MS = 90_000;
/** Nothing of what a browser decodes: whoever says so gets an encoded stream of every file. */
const NOTHING = 'none';

/** A video and the ways to play it. */
export interface Film {
  readonly video: Video;
  /** As an ordinary browser is answered. */
  readonly playback: Playback;
  /** Master playlist of what is cut from the file; null when that is not possible. */
  readonly copyUrl: string | null;
  /** Master playlist of what is encoded for viewers; null when that is not possible. */
  readonly encodedUrl: string | null;
  /** The same two for clients that send no headers and no cookies. */
  readonly signedCopyUrl: string | null;
  readonly signedEncodedUrl: string | null;
}

export class Station {
  readonly system: System;
  readonly client: Client;
  readonly folder: string;

  private constructor(system: System, client: Client, folder: string) {
    this.system = system;
    this.client = client;
    this.folder = folder;
  }

  static async start(options: SystemOptions = {}): Promise<Station> {
    const [system, folder] = await Promise.all([startSystem(options), mkdtemp(join(tmpdir(), 'reelay-station-'))]);
    const client = new Client(system.baseUrl);
    await client.login('admin', system.adminPassword);
    return new Station(system, client, folder);
  }

  async stop(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
    await this.system.stop();
  }

  at(name: string): string {
    return join(this.folder, name);
  }

  /** Uploads a file and waits until it is examined. */
  async film(path: string): Promise<Film> {
    const { status, body } = await this.client.upload(path);
    if (status !== 201) throw new Error(`upload answered ${status}: ${JSON.stringify(body)}`);
    const video = await this.client.untilVideo(body.id, ({ valid }) => valid !== null, VALIDATED_MS);
    const [playback, encoded] = await Promise.all([this.#playback(video, ''), this.#playback(video, `?codecs=${NOTHING}`)]);
    const absolute = (url: string | null): string | null => (url === null ? null : new URL(url, this.system.baseUrl).href);
    const isEncoded = playback.mode === 'transcode';
    return {
      video, playback, copyUrl: isEncoded ? null : absolute(playback.masterUrl), encodedUrl: encoded.mode === 'transcode' ? absolute(encoded.masterUrl) : null,
      signedCopyUrl: isEncoded ? null : absolute(playback.signedMasterUrl), signedEncodedUrl: encoded.mode === 'transcode' ? absolute(encoded.signedMasterUrl) : null,
    };
  }

  #playback(video: Video, query: string): Promise<Playback> {
    return this.client.ok('GET', `/api/media/videos/${video.id}/playback${query}`);
  }

  get get(): Get {
    return getWith(() => ({ authorization: `Bearer ${this.client.token}` }));
  }

  /** A viewer of their own: another sign-in. */
  async viewer(): Promise<Get> {
    const other = new Client(this.system.baseUrl);
    await other.login('admin', this.system.adminPassword);
    return getWith(() => ({ authorization: `Bearer ${other.token}` }));
  }

  streams(): Promise<StreamList> {
    return this.client.ok('GET', '/api/media/streams');
  }

  /** Ends what is encoded of a video. */
  async endStreams(videoId: string): Promise<void> {
    for (const stream of (await this.streams()).data) if (stream.videoId === videoId) await this.client.call('DELETE', `/api/media/streams/${stream.id}`);
  }

  /** Reads a stream and checks every rule. */
  async check(url: string, options: ReadOptions): Promise<{ stream: StreamCopy; complaints: string[] }> {
    const stream = await readStream(this.get, url, options);
    return { stream, complaints: checkStream(stream).map(({ rule, detail }) => `${rule}: ${detail}`) };
  }
}

/** One rendition of one stream, piece by piece, as a player gets it. */
export class Pieces {
  readonly #get: Get;
  readonly #masterUrl: string;

  constructor(get: Get, masterUrl: string) {
    this.#get = get;
    this.#masterUrl = masterUrl;
  }

  init(rendition: string): Promise<Uint8Array> {
    return this.#piece(`${rendition}/init.mp4`);
  }

  segment(rendition: string, n: number): Promise<Uint8Array> {
    return this.#piece(`${rendition}/${n}.m4s`);
  }

  /** Init segment and segments [from, end), one after the other. */
  async window(rendition: string, from: number, end: number): Promise<{ init: Uint8Array; segments: Uint8Array[] }> {
    const segments: Uint8Array[] = [];
    const init = await this.init(rendition);
    for (let n = from; n < end; n += 1) segments.push(await this.segment(rendition, n));
    return { init, segments };
  }

  url(path: string): string {
    return new URL(path, this.#masterUrl).href;
  }

  /** As a player does: again after 503 and broken connections, for as long as its patience lasts. */
  async patiently(path: string, patienceMs = 30_000): Promise<Uint8Array> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const answer: Resource | null = await this.#get(this.url(path)).catch(() => null);
      if (answer?.status === 200) return answer.bytes;
      if (performance.now() > deadline || (answer !== null && answer.status < 500)) throw new Error(`${path} answered ${answer === null ? 'nothing' : `${answer.status} ${textOf(answer)}`}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  async #piece(path: string): Promise<Uint8Array> {
    const answer = await this.#get(this.url(path));
    if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${textOf(answer)}`);
    return answer.bytes;
  }
}
