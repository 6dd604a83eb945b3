import { join, resolve } from 'node:path';
import { type Env, type InstanceFile, readInstanceFile } from '@reelay/runtime';
import { ownerIsAlive, type PidFile, readPidFile } from '@reelay/runtime/supervisor';
import type { Place } from './place.ts';

/** What runs on a data folder: the launcher with all its programs, or services one by one. */
export const RUNNABLES = ['system', 'gateway', 'scheduler', 'agent'] as const;
export type Runnable = (typeof RUNNABLES)[number];

const PID_NAMES: Readonly<Record<Runnable, string>> = { system: 'launcher', gateway: 'gateway', scheduler: 'scheduler', agent: 'node-agent' };

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

/** Where a service keeps its pid file: in a folder of this host that a variable may name. */
const pidFolder = (what: Runnable, { dataDir }: Pick<Place, 'dataDir'>, env: Env): string => {
  if (what === 'agent') return resolve(env.REELAY_WORK_DIR || join(dataDir, 'node'));
  return what === 'system' ? dataDir : resolve(env.REELAY_RUN_DIR || dataDir);
};

/** The pid file of a system or service, as it would be with these settings. */
export const pidStateOf = (what: Runnable, place: Pick<Place, 'dataDir'>, env: Env): Promise<PidFileState> => readPidState(pidFolder(what, place, env), PID_NAMES[what]);

/** The services that run, with the launcher or by themselves. */
export const findServices = async (place: Pick<Place, 'dataDir'>, env: Env): Promise<{ name: Exclude<Runnable, 'system'>; owner: PidFile }[]> => {
  const names = ['gateway', 'scheduler', 'agent'] as const;
  const found: { name: (typeof names)[number]; owner: PidFile }[] = [];
  for (const name of names) {
    const { owner, isAlive } = await pidStateOf(name, place, env);
    if (owner !== null && isAlive) found.push({ name, owner });
  }
  return found;
};

/** What runs on the data folder, or null. */
export const findInstance = async (dataDir: string): Promise<Instance | null> => {
  const { owner, isAlive } = await readPidState(dataDir, PID_NAMES.system);
  if (owner === null || !isAlive) return null;
  const facts = await readInstanceFile(dataDir);
  return { pid: owner.pid, startedAt: owner.startedAt, runId: owner.runId, facts: facts?.runId === owner.runId ? facts : null };
};
