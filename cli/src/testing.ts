/** Runs command lines in this process, with texts where the terminal would be. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@reelay/runtime';
import type { Io } from './io.ts';
import { run } from './run.ts';

export interface Ended {
  code: number | 'another program';
  out: string;
  err: string;
}

/** A folder that is data folder, home and clone of a command that knows nothing. */
export class EmptyHome {
  private constructor(readonly folder: string) {}

  static async make(): Promise<EmptyHome> {
    return new EmptyHome(await mkdtemp(join(tmpdir(), 'reelay-cli-')));
  }

  async run(argv: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
    let out = '';
    let err = '';
    const io: Io = {
      env: { PATH: process.env['PATH'], HOME: this.folder, REELAY_DATA_DIR: join(this.folder, 'data'), ...env },
      cwd: this.folder,
      out: { write: (text) => void (out += text) },
      err: { write: (text) => void (err += text) },
      input: process.stdin,
      clock: systemClock,
    };
    const end = await run(io, { root: this.folder, argv });
    return { code: typeof end === 'number' ? end : 'another program', out, err };
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}
