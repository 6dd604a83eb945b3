import { join } from 'node:path';
import { type InstanceFile, readInstanceFile } from '@reelay/runtime';
import { ownerIsAlive, type PidFile, readPidFile } from '@reelay/runtime/supervisor';

/** The name of the launcher's pid file; those of services run by hand have theirs. */
const LAUNCHER = 'launcher';

/** A system that runs on a data folder. */
export interface Instance {
  pid: number;
  startedAt: string;
  runId: string;
  /** Null until the launcher has written it. */
  facts: InstanceFile | null;
}

export interface PidFileState {
  path: string;
  /** Null: the file is there and cannot be understood. */
  owner: PidFile | null;
  isAlive: boolean;
}

/** The pid file of `name` in a folder and whether the very process that wrote it runs; null when there is no file. */
export const readPidState = async (folder: string, name: string): Promise<PidFileState> => {
  const path = join(folder, `${name}.pid`);
  const owner = await readPidFile(path);
  return { path, owner, isAlive: owner !== null && (await ownerIsAlive(owner)) };
};

/** What runs on the data folder, or null. */
export const findInstance = async (dataDir: string): Promise<Instance | null> => {
  const { owner, isAlive } = await readPidState(dataDir, LAUNCHER);
  if (owner === null || !isAlive) return null;
  const facts = await readInstanceFile(dataDir);
  return { pid: owner.pid, startedAt: owner.startedAt, runId: owner.runId, facts: facts?.runId === owner.runId ? facts : null };
};
