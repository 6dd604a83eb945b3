import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const instanceSchema = z.object({
  /** The run of the pid file beside it: facts of another run are out of date. */
  runId: z.string(),
  version: z.string(),
  /** The gateway, for programs on this machine. */
  url: z.string(),
  libraryRoot: z.string(),
  /** Scratch folder of the local node. */
  workDir: z.string(),
  ffmpeg: z.string(),
  ffprobe: z.string(),
  natsServer: z.string().nullable(),
  /** Without user and password; null until they are known. */
  natsUrl: z.string().nullable(),
  databaseUrl: z.string().nullable(),
});

/** Where the parts of a running system are, for tools on the same machine. Holds no secret. */
export type InstanceFile = z.infer<typeof instanceSchema>;

const NAME = 'instance.json';

export async function writeInstanceFile(dataDir: string, facts: InstanceFile): Promise<void> {
  const path = join(dataDir, NAME);
  const part = `${path}.${process.pid}`;
  await writeFile(part, `${JSON.stringify(facts, null, 2)}\n`);
  await rename(part, path);
}

/** Null when there is none, or it cannot be understood. */
export async function readInstanceFile(dataDir: string): Promise<InstanceFile | null> {
  try {
    const parsed = instanceSchema.safeParse(JSON.parse(await readFile(join(dataDir, NAME), 'utf8')));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

export async function removeInstanceFile(dataDir: string): Promise<void> {
  await rm(join(dataDir, NAME), { force: true });
}
