import { mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import type { OutputFile, ProducedFile } from '@reelay/contracts';
import { JobFailed } from '@reelay/job-types/agent';
import { type Clock, LibraryRoot } from '@reelay/runtime';
import { HubRefused, readText, refusalOf, send } from './hub-http.ts';
import { repeat } from './repeat.ts';

export interface OutputsOptions {
  gatewayUrl: string;
  libraryRoot: string | null;
  scratchDir: string;
  clock: Clock;
  signal: AbortSignal;
  /** Resolves when the hub accepts what this attempt sends. */
  started: Promise<void>;
  log: (text: string) => void;
  alive: () => void;
}

/** The files an attempt writes: parts in the library, or scratch files that are sent to the gateway when finished. */
export class Outputs {
  readonly #options: OutputsOptions;

  constructor(options: OutputsOptions) {
    this.#options = options;
  }

  /** Absolute path to write an output to; its folder exists. @throws PathOutsideLibrary */
  async path(file: OutputFile): Promise<string> {
    const path = await this.#locate(file);
    await mkdir(dirname(path), { recursive: true });
    // A folder may have become a link out of the library in between.
    const settled = await this.#locate(file);
    await rm(settled, { force: true });
    return settled;
  }

  /** Brings a written output to disk and, without the library, to the gateway. @throws JobFailed */
  async produced(file: OutputFile): Promise<ProducedFile> {
    const path = await this.#locate(file);
    await syncFile(path, file);
    const { size } = await stat(path);
    if (size === 0) throw new JobFailed('output_empty', `${file.path} came out empty.`, true);
    if (this.#options.libraryRoot === null) await this.#upload(file, path, size);
    return { name: file.name, sizeBytes: size };
  }

  async #locate(file: OutputFile): Promise<string> {
    const { libraryRoot, scratchDir } = this.#options;
    if (libraryRoot === null) return join(scratchDir, `out-${file.name.replaceAll(/[^\w-]/g, '_')}${extname(file.path).replaceAll(/[^\w.]/g, '')}`);
    return (await LibraryRoot.open(libraryRoot)).resolveForCreate(file.partPath);
  }

  async #upload(file: OutputFile, path: string, sizeBytes: number): Promise<void> {
    const { gatewayUrl, clock, signal, started, log, alive } = this.#options;
    await started;
    log(`Sending ${file.path} (${(sizeBytes / 1e6).toFixed(1)} MB)`);
    try {
      await repeat(
        async () => {
          const response = await send({ method: 'PUT', url: gatewayUrl + file.url, body: { path, sizeBytes, onBytes: alive }, signal });
          if ((response.statusCode ?? 0) >= 300) throw await refusalOf(response);
          await readText(response);
        },
        { clock, signal, onWait: () => alive() },
      );
    } catch (error) {
      if (!(error instanceof HubRefused)) throw error;
      throw new JobFailed(error.problemCode ?? 'output_refused', `${file.path} could not be sent: ${error.message}.`, true, { cause: error });
    }
  }
}

async function syncFile(path: string, file: OutputFile): Promise<void> {
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw new JobFailed('output_missing', `${file.path} was not written.`, true, { cause });
  });
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
