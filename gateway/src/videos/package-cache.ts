import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { inflateRaw, type InputType, type ZlibOptions } from 'node:zlib';
import { decodePacketIndex } from '@reelay/contracts';
import { errorCode, Gate, type LibraryRoot } from '@reelay/runtime';
import { findVideo, findVideoWithMedia, readVideoIndex, type Sql, type VideoRow } from '@reelay/store';
import { HttpProblem } from '../http/problem.ts';
import { type MediaPackage, openPackageInTurns } from '../packaging/package.ts';
import { turns } from '../packaging/turns.ts';

/** What the package was made from; another value of any of these makes it worthless. */
const identityOf = (video: VideoRow): string => `${video.path}\n${video.sizeBytes}\n${video.mtimeMs}`;

interface Entry {
  identity: string;
  opened: Promise<{ pack: MediaPackage; bytes: number }>;
  /** 0 until it is open. */
  bytes: number;
}

const turn = (): Promise<void> => turns.next();

/** Each holds the numbers of a whole film while it is planned. */
const OPENED_AT_ONCE = 2;

const inflating = promisify<InputType, ZlibOptions, Buffer>(inflateRaw);
/** In another thread, and in few pieces. */
const inflateIndex = (bytes: Uint8Array): Promise<Uint8Array> => inflating(bytes, { chunkSize: 1024 * 1024 });

/** Seven columns of an index in memory: four of 8 bytes, one of 4, one of 1. */
const BYTES_PER_PACKET = 37;

/**
 * Open packages, the most recently used ones up to a number of bytes. Everybody who asks for the same one while it is
 * being opened waits for the one opening; a failed opening is not remembered.
 */
export class PackageCache {
  readonly #sql: Sql;
  readonly #library: LibraryRoot;
  readonly #maxBytes: number;
  readonly #entries = new Map<string, Entry>();
  readonly #opening = new Gate(OPENED_AT_ONCE);

  constructor(options: { sql: Sql; library: LibraryRoot; maxBytes: number }) {
    this.#sql = options.sql;
    this.#library = options.library;
    this.#maxBytes = options.maxBytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** @throws HttpProblem not_playable, and what openPackage throws */
  async open(video: VideoRow): Promise<MediaPackage> {
    try {
      return await this.#open(video);
    } catch (error) {
      // Moved between the look at its row and the look at its file: by its id it is found again.
      const now = errorCode(error) === 'file_not_found' ? await findVideo(this.#sql, video.id) : null;
      if (now === null || now.path === video.path) throw error;
      return this.#open(now);
    }
  }

  async #open(video: VideoRow): Promise<MediaPackage> {
    const identity = identityOf(video);
    let entry = this.#entries.get(video.id);
    if (entry?.identity !== identity) entry = this.#start(video, identity);
    // Last in the map = used last.
    this.#entries.delete(video.id);
    this.#entries.set(video.id, entry);
    return (await entry.opened).pack;
  }

  /** Forgets a package, so that the next request opens it again. */
  forget(videoId: string): void {
    this.#entries.delete(videoId);
  }

  #start(video: VideoRow, identity: string): Entry {
    const entry: Entry = { identity, opened: this.#opening.run(() => this.#load(video)), bytes: 0 };
    this.#settle(video.id, entry).catch(() => undefined);
    return entry;
  }

  async #settle(videoId: string, entry: Entry): Promise<void> {
    try {
      entry.bytes = (await entry.opened).bytes;
      this.#evict(entry);
    } catch {
      if (this.#entries.get(videoId) === entry) this.#entries.delete(videoId);
    }
  }

  async #load(video: VideoRow): Promise<{ pack: MediaPackage; bytes: number }> {
    const [withMedia, index] = await Promise.all([findVideoWithMedia(this.#sql, video.id), readVideoIndex(this.#sql, video.id)]);
    if (!withMedia?.media || index === null) throw new HttpProblem('not_playable', 'The video has not been indexed; run “Validate Metadata” on it');
    if (index.sizeBytes !== video.sizeBytes || index.mtimeMs !== video.mtimeMs) {
      throw new HttpProblem('source_changed', 'The file changed since it was indexed; run “Validate Metadata” on it');
    }
    const packets = await decodePacketIndex(index.data, { pause: turn, inflateRaw: inflateIndex });
    const absPath = await this.#library.resolveExisting(video.path);
    const indexTag = createHash('sha256').update(index.data).digest('hex');
    const pack = await openPackageInTurns({ absPath, mediaInfo: withMedia.media, index: packets, indexTag, sourceMtimeMs: index.mtimeMs }, turn);
    return { pack, bytes: packets.tracks.reduce((sum, track) => sum + track.count * BYTES_PER_PACKET, 0) };
  }

  #evict(newest: Entry): void {
    let total = [...this.#entries.values()].reduce((sum, entry) => sum + entry.bytes, 0);
    for (const [id, entry] of this.#entries) {
      if (total <= this.#maxBytes) return;
      if (entry === newest) continue;
      this.#entries.delete(id);
      total -= entry.bytes;
    }
  }
}
