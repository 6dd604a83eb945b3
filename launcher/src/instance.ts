import { join } from 'node:path';
import { type InstanceFile, redactUrl, removeInstanceFile, writeInstanceFile } from '@reelay/runtime';
import manifest from '../package.json' with { type: 'json' };
import { localUrl } from './programs.ts';
import type { LauncherSettings } from './settings.ts';

export interface InstanceOptions {
  settings: LauncherSettings;
  tools: Record<string, string>;
  run: { dir: string; id: string };
  port: number;
  localPort: number | undefined;
}

/** The file that tells tools on this machine where the system's parts are; it goes when the system ends. */
export class Instance {
  readonly #dataDir: string;
  readonly #facts: InstanceFile;
  #writing: Promise<void> = Promise.resolve();
  #isOver = false;

  constructor({ settings, tools, run, port, localPort }: InstanceOptions) {
    this.#dataDir = run.dir;
    this.#facts = {
      runId: run.id,
      version: manifest.version,
      url: localUrl({ host: settings.HOST, port, localPort }),
      libraryRoot: settings.MEDIA_LIBRARY_PATH ?? join(run.dir, 'library'),
      workDir: join(run.dir, 'node'),
      ffmpeg: tools['FFMPEG_PATH'] ?? 'ffmpeg',
      ffprobe: tools['FFPROBE_PATH'] ?? 'ffprobe',
      natsServer: tools['NATS_SERVER_PATH'] ?? null,
      natsUrl: null,
      databaseUrl: null,
    };
  }

  /** One at a time. Does nothing when the system ends: a start that is called off goes on for a moment. */
  async publish(known: { natsUrl: string; databaseUrl: string } | null = null): Promise<void> {
    if (this.#isOver) return;
    const addresses = known === null ? {} : { natsUrl: redactUrl(known.natsUrl), databaseUrl: redactUrl(known.databaseUrl) };
    this.#writing = writeInstanceFile(this.#dataDir, { ...this.#facts, ...addresses });
    await this.#writing;
  }

  /** For good, and after what is being written. */
  async remove(): Promise<void> {
    this.#isOver = true;
    await this.#writing.catch(() => {});
    await removeInstanceFile(this.#dataDir);
  }
}
