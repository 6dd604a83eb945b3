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

  async publish(known: { natsUrl: string; databaseUrl: string } | null = null): Promise<void> {
    const addresses = known === null ? {} : { natsUrl: redactUrl(known.natsUrl), databaseUrl: redactUrl(known.databaseUrl) };
    await writeInstanceFile(this.#dataDir, { ...this.#facts, ...addresses });
  }

  async remove(): Promise<void> {
    await removeInstanceFile(this.#dataDir);
  }
}
