import { mkdir, open, readdir, readFile, rename, rm, stat, unlink, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Clock, errorCode, type Logger } from '@reelay/runtime';
import { type Piece, type PieceFile, tagOf } from './piece.ts';

/** `<name>.<bytes>.<tag>`: what a file must be to count, so that a start needs no other record. */
const FILE = /^([\w-]{1,64})\.(\d{1,12})\.([\w-]{27})$/;
const TEMP = '.part';
/** How often at most the time of use is written to a file: the order survives a restart to this precision. */
const TOUCH_MS = 60_000;

interface Entry {
  readonly path: string;
  readonly sizeBytes: number;
  readonly tag: string;
  touchedMs: number;
  /** Read from the disk and found to be what its name says, since this start. */
  verified: boolean;
  /** The look at it that is underway. */
  checking?: Promise<boolean>;
}

export interface DiskTierOptions {
  dir: string;
  maxBytes: number;
  clock: Clock;
  logger: Logger;
  /** Part of temporary names. */
  newId: () => string;
}

/**
 * Pieces as files, `<dir>/<version>/<rendition>/<name>.<bytes>.<tag>`, up to a number of bytes; the least recently used
 * go first. A file appears under its name only when it is whole (written aside, then renamed), and counts after a crash
 * only when size and hash agree with its name. Removing a file never hurts who reads it: the kernel keeps it until then.
 */
export class DiskTier {
  readonly #options: DiskTierOptions;
  /** Last in the map = used last. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  #maxBytes: number;

  private constructor(options: DiskTierOptions) {
    this.#options = options;
    this.#maxBytes = options.maxBytes;
  }

  /** Opens the folder, removes what is no whole piece, and finds the rest. @throws when the folder cannot be made */
  static async open(options: DiskTierOptions): Promise<DiskTier> {
    const tier = new DiskTier(options);
    await mkdir(options.dir, { recursive: true });
    await tier.#scan();
    await tier.#evict();
    return tier;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#entries.size;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** The file of a piece, read once since the start to see that it is whole; null when it is not there, or was damaged and is now removed. */
  async file(key: string): Promise<PieceFile | null> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return null;
    if (!entry.verified) {
      entry.checking ??= this.get(key).then((piece) => piece !== null);
      if (!(await entry.checking)) return null;
    }
    void this.#use(key, entry);
    return entry;
  }

  /** Null when it is not there, or was damaged and is now removed. */
  async get(key: string): Promise<Piece | null> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return null;
    const touched = this.#use(key, entry);
    try {
      const [bytes] = await Promise.all([readFile(entry.path), touched]);
      if (entry.verified || (bytes.length === entry.sizeBytes && tagOf(bytes) === entry.tag)) {
        entry.verified = true;
        return { bytes, tag: entry.tag };
      }
      this.#options.logger.warn({ path: entry.path }, 'a cached segment was damaged');
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') this.#options.logger.warn({ err: error, path: entry.path }, 'a cached segment could not be read');
    }
    await this.#remove(key, entry);
    return null;
  }

  /** Keeps a piece; the first one under a key stays. False when it could not be written. */
  async put(key: string, { bytes, tag }: Piece): Promise<boolean> {
    if (this.#entries.has(key)) return true;
    const path = join(this.#options.dir, `${key}.${bytes.length}.${tag}`);
    const temp = join(dirname(path), `.${this.#options.newId()}${TEMP}`);
    try {
      await mkdir(dirname(path), { recursive: true });
      const file = await open(temp, 'wx', 0o640);
      try {
        await file.writeFile(bytes);
        const now = this.#options.clock.now();
        await file.utimes(now, now);
      } finally {
        await file.close();
      }
      if (this.#entries.has(key)) {
        await unlink(temp);
        return true;
      }
      await rename(temp, path);
    } catch (error) {
      await unlink(temp).catch(() => undefined);
      this.#options.logger.warn({ err: error, path }, 'a segment could not be cached');
      if (errorCode(error) === 'ENOSPC') await this.#evict(this.#bytes / 2);
      return false;
    }
    this.#entries.set(key, { path, sizeBytes: bytes.length, tag, touchedMs: this.#options.clock.now().getTime(), verified: true });
    this.#bytes += bytes.length;
    await this.#evict();
    return true;
  }

  /** Removes every piece of a version. */
  async deleteVersion(version: string): Promise<void> {
    for (const [key, entry] of this.#entries) if (key.startsWith(`${version}/`)) await this.#remove(key, entry);
    await rm(join(this.#options.dir, version), { recursive: true, force: true });
  }

  async #use(key: string, entry: Entry): Promise<void> {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    const now = this.#options.clock.now();
    if (now.getTime() - entry.touchedMs < TOUCH_MS) return;
    entry.touchedMs = now.getTime();
    await utimes(entry.path, now, now).catch(() => undefined);
  }

  /** Changes how many bytes are kept. */
  async limitTo(maxBytes: number): Promise<void> {
    this.#maxBytes = maxBytes;
    await this.#evict();
  }

  async #evict(toBytes = this.#maxBytes): Promise<void> {
    for (const [key, entry] of this.#entries) {
      if (this.#bytes <= toBytes) return;
      await this.#remove(key, entry);
    }
  }

  async #remove(key: string, entry: Entry): Promise<void> {
    if (this.#entries.get(key) !== entry) return;
    this.#entries.delete(key);
    this.#bytes -= entry.sizeBytes;
    await unlink(entry.path).catch(() => undefined);
  }

  async #scan(): Promise<void> {
    const { dir } = this.#options;
    const found: { key: string; entry: Entry }[] = [];
    for (const item of await readdir(dir, { recursive: true, withFileTypes: true })) {
      if (!item.isFile()) continue;
      const path = join(item.parentPath, item.name);
      const [, name, size, tag] = FILE.exec(item.name) ?? [];
      const folders = item.parentPath.slice(dir.length).split('/').filter((part) => part !== '');
      const info = await stat(path).catch(() => null);
      if (name === undefined || tag === undefined || folders.length !== 2 || info?.size !== Number(size)) {
        await unlink(path).catch(() => undefined);
        continue;
      }
      found.push({ key: `${folders.join('/')}/${name}`, entry: { path, sizeBytes: info.size, tag, touchedMs: info.mtimeMs, verified: false } });
    }
    for (const { key, entry } of found.toSorted((a, b) => a.entry.touchedMs - b.entry.touchedMs)) {
      const twin = this.#entries.get(key);
      if (twin) await this.#remove(key, twin);
      this.#entries.set(key, entry);
      this.#bytes += entry.sizeBytes;
    }
  }
}
