import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { InputFile } from '@reelay/contracts';
import { JobFailed } from '@reelay/job-types/agent';
import { type Clock, errorCode, type FileIdentity, identify, LibraryFileMissing, LibraryRoot } from '@reelay/runtime';
import { HubRefused, refusalOf, send } from './hub-http.ts';
import { repeat } from './repeat.ts';

export interface InputsOptions {
  gatewayUrl: string;
  libraryRoot: string | null;
  scratchDir: string;
  clock: Clock;
  signal: AbortSignal;
  log: (text: string) => void;
  alive: () => void;
}

const FETCH_TRIES = 12;

/** The files an attempt reads: the library's own when this node holds the very same, else copies fetched over HTTP. */
export class Inputs {
  readonly #options: InputsOptions;
  readonly #paths = new Map<string, Promise<string>>();
  /** Held open: what is read stays the same file when its name goes. */
  readonly #mounted: { path: string; file: InputFile; handle: FileHandle }[] = [];

  constructor(options: InputsOptions) {
    this.#options = options;
  }

  /** Absolute path of an input. @throws JobFailed */
  path(file: InputFile): Promise<string> {
    const known = this.#paths.get(file.name);
    if (known) return known;
    const found = this.#find(file);
    this.#paths.set(file.name, found);
    return found;
  }

  /** Whether what was read in place is what was ordered; it may have been moved since. @throws JobFailed source_changed */
  async check(): Promise<void> {
    for (const { path, file, handle } of this.#mounted) {
      const named = await identify(path).catch(() => null);
      if (named !== null ? !isSame(named, file) : !(await isStill(handle, file))) throw changed(file);
    }
  }

  /** What happened to the inputs that can explain a failure; null when nothing did. */
  async explain(): Promise<JobFailed | null> {
    for (const { path, file } of this.#mounted) {
      const named = await identify(path).catch(() => null);
      if (named === null) return moved(file);
      if (!isSame(named, file)) return changed(file);
    }
    return null;
  }

  async close(): Promise<void> {
    for (const { handle } of this.#mounted) await handle.close().catch(() => undefined);
  }

  async #find(file: InputFile): Promise<string> {
    return (await this.#inLibrary(file)) ?? this.#fetch(file);
  }

  async #inLibrary(file: InputFile): Promise<string | null> {
    if (this.#options.libraryRoot === null) return null;
    try {
      const root = await LibraryRoot.open(this.#options.libraryRoot);
      const path = await root.resolveExisting(file.path);
      if (!isSame(await identify(path), file)) return null;
      this.#mounted.push({ path, file, handle: await open(path, 'r') });
      return path;
    } catch (error) {
      if (error instanceof LibraryFileMissing || errorCode(error) === 'ENOENT') return null;
      throw error;
    }
  }

  async #fetch(file: InputFile): Promise<string> {
    const { clock, signal, log, alive, scratchDir } = this.#options;
    await mkdir(scratchDir, { recursive: true });
    // The ending stays: ffprobe tells WebM from Matroska by it.
    const path = join(scratchDir, `in-${file.name.replaceAll(/[^\w-]/g, '_')}${extname(file.path).replaceAll(/[^\w.]/g, '')}`);
    await rm(path, { force: true });
    log(`Fetching ${file.path} (${(file.sizeBytes / 1e6).toFixed(1)} MB)`);
    let haveBytes = 0;
    try {
      await repeat(
        async () => {
          while (haveBytes < file.sizeBytes) haveBytes = await this.#fetchFrom(file, path, haveBytes);
        },
        { clock, signal, tries: FETCH_TRIES, onWait: () => alive() },
      );
    } catch (error) {
      throw asFailure(error, file);
    }
    return path;
  }

  /** Fetches from an offset on, as far as the connection carries. Answers how many bytes are there. */
  async #fetchFrom(file: InputFile, path: string, offset: number): Promise<number> {
    const { gatewayUrl, signal, alive } = this.#options;
    const response = await send({ method: 'GET', url: gatewayUrl + file.url, headers: { range: `bytes=${offset}-` }, signal });
    if (response.statusCode !== 206 && response.statusCode !== 200) throw await refusalOf(response);
    const start = response.statusCode === 206 ? offset : 0;
    const total = Number(/\/(\d+)$/.exec(response.headers['content-range'] ?? '')?.[1] ?? response.headers['content-length'] ?? file.sizeBytes);
    if (total !== file.sizeBytes) {
      response.destroy();
      throw changed(file);
    }
    const target = await open(path, start === 0 ? 'w' : 'r+');
    let position = start;
    try {
      for await (const chunk of response) {
        const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
        await target.write(bytes, 0, bytes.length, position);
        position += bytes.length;
        alive();
      }
    } catch (error) {
      // Cut off: the next try goes on from here, unless nothing came at all.
      if (position === start || signal.aborted) throw error;
    } finally {
      await target.close();
    }
    return position;
  }
}

function isSame(found: FileIdentity, file: InputFile): boolean {
  return found.sizeBytes === file.sizeBytes && found.mtimeMs === Math.floor(file.mtimeMs) && found.inode === file.inode;
}

async function isStill(handle: FileHandle, file: InputFile): Promise<boolean> {
  const { size, mtimeMs } = await handle.stat();
  return size === file.sizeBytes && Math.floor(mtimeMs) === Math.floor(file.mtimeMs);
}

/** The attempt goes back to the hub, whose next order names the new place, or says that there is none. */
export const SOURCE_MOVED = 'source_moved';
const moved = (file: InputFile): JobFailed => new JobFailed(SOURCE_MOVED, `${file.path} was moved or removed while the job ran.`, true);

const changed = (file: InputFile): JobFailed => new JobFailed('source_changed', `${file.path} changed while the job ran.`, true);

function asFailure(error: unknown, file: InputFile): unknown {
  if (!(error instanceof HubRefused)) return error;
  if (error.problemCode === 'source_changed') return changed(file);
  if (error.status === 404 || error.status === 410) return moved(file);
  return new JobFailed('input_unreachable', `${file.path} could not be fetched: ${error.message}.`, true, { cause: error });
}
