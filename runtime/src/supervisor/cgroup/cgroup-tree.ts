import { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Clock, systemClock } from '../../clock.ts';
import { readProcStat } from '../proc-stat.ts';
import { ChildCgroup, killCgroup, processesOf, readControl, removeCgroup, writeControl } from './child-cgroup.ts';
import { locateUnified } from './locate.ts';

export type Controller = 'memory' | 'cpu';

export interface CgroupOptions {
  /** A folder prepared for us; else our own, when we are alone in it. */
  folder?: string | undefined;
  clock?: Clock | undefined;
  /** For tests: what /proc/self/mountinfo and /proc/self/cgroup say. */
  mountinfo?: string | undefined;
  selfCgroup?: string | undefined;
}

/** The subtree, or why there is none; the second is a state of the host, not a failure. */
export type OpenedCgroup = { tree: CgroupTree; reason: null } | { tree: null; reason: string };

/** Where we go ourselves: a cgroup that hands controllers down may hold no process of its own. */
const OWN_LEAF = 'supervisor';
const CHILD_NAME = /^child-(\d+)-(\d+)\.\d+$/;
const WANTED: readonly Controller[] = ['memory', 'cpu'];

/** Folders under one cgroup that is ours, one for each child. Left-overs of a dead supervisor are ended and removed. */
export class CgroupTree {
  readonly folder: string;
  readonly controllers: ReadonlySet<Controller>;
  readonly #clock: Clock;
  readonly #owner: string;
  #made = 0;

  constructor(folder: string, controllers: ReadonlySet<Controller>, clock: Clock) {
    this.folder = folder;
    this.controllers = controllers;
    this.#clock = clock;
    this.#owner = `${process.pid}-${readProcStat(process.pid)?.startTicks ?? '0'}`;
  }

  /** Null when the system refuses: too many, or the folder was taken away. */
  create(): ChildCgroup | null {
    this.#made += 1;
    const folder = join(this.folder, `child-${this.#owner}.${this.#made}`);
    try {
      mkdirSync(folder);
      return new ChildCgroup(folder, this.#clock);
    } catch {
      return null;
    }
  }

  /** KILLs and removes what supervisors that are gone left here. Returns the processes that were ended. */
  sweep(): number[] {
    const ended: number[] = [];
    for (const name of listFolders(this.folder)) {
      const [, pid, startTicks] = CHILD_NAME.exec(name) ?? [];
      if (pid === undefined || readProcStat(Number(pid))?.startTicks === startTicks) continue;
      const folder = join(this.folder, name);
      ended.push(...processesOf(folder));
      killCgroup(folder);
      removeCgroup(folder);
    }
    return ended;
  }
}

function listFolders(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch {
    return [];
  }
}

const refuse = (reason: string): OpenedCgroup => ({ tree: null, reason });

const words = (text: string | null): string[] => (text ?? '').split(/\s+/).filter(Boolean);

function readProcFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function mayWrite(folder: string): boolean {
  try {
    for (const path of [folder, join(folder, 'cgroup.procs'), join(folder, 'cgroup.subtree_control')]) accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** The folder to use: given, or our own; already in the leaf of an earlier call, the one above. */
function findBase({ folder, mountinfo, selfCgroup }: CgroupOptions): { base: string; given: boolean } | string {
  if (folder !== undefined) return existsSync(join(folder, 'cgroup.procs')) ? { base: folder, given: true } : `${folder} is not a cgroup`;
  const place = locateUnified(mountinfo ?? readProcFile('/proc/self/mountinfo'), selfCgroup ?? readProcFile('/proc/self/cgroup'));
  if (place === null) return 'this host has no cgroup v2';
  const base = basename(place.folder) === OWN_LEAF ? dirname(place.folder) : place.folder;
  // Only the root of the whole hierarchy has no type: it is the system's, even where we may write to it.
  if (!existsSync(join(base, 'cgroup.type'))) return 'no part of cgroup v2 is delegated to this process';
  return { base, given: false };
}

/** Moves us out of the way, when nobody else is there. Null when done. */
function makeRoom(base: string): string | null {
  const others = processesOf(base).filter((pid) => pid !== process.pid);
  if (others.length > 0) return 'other processes share the cgroup';
  if (processesOf(base).length === 0) return null;
  try {
    mkdirSync(join(base, OWN_LEAF), { recursive: true });
  } catch {
    return 'the cgroup allows no folder below it';
  }
  return writeControl(join(base, OWN_LEAF), 'cgroup.procs', String(process.pid)) ? null : 'this process may not be moved within the cgroup';
}

/**
 * The part of cgroup v2 that is ours: delegated (systemd's `Delegate=yes`, a container's own view) or named. Moves
 * this process into a leaf of it where that is needed. Changes nothing where others are in it.
 */
export function openCgroupTree(options: CgroupOptions = {}): OpenedCgroup {
  const { clock = systemClock } = options;
  const found = findBase(options);
  if (typeof found === 'string') return refuse(found);
  const { base, given } = found;
  if (!mayWrite(base)) return refuse('no part of cgroup v2 is delegated to this process');
  const offered = words(readControl(base, 'cgroup.controllers'));
  const enabled = () => words(readControl(base, 'cgroup.subtree_control'));
  const missing = WANTED.filter((controller) => offered.includes(controller) && !enabled().includes(controller));
  if (!given || missing.length > 0) {
    const problem = makeRoom(base);
    if (problem !== null) return refuse(problem);
  }
  for (const controller of missing) writeControl(base, 'cgroup.subtree_control', `+${controller}`);
  return { tree: new CgroupTree(base, new Set(WANTED.filter((controller) => enabled().includes(controller))), clock), reason: null };
}
