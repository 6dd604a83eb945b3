/** Parents that end in every way with seven children each; two at a time. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeMemoryGroup } from '../../kit/memory-group.ts';
import type { PreparedDriver } from './driver-process.ts';
import type { Figures } from './figures.ts';
import { playParentCase } from './parent-case.ts';
import { drawParentCase, PARENT_ENDINGS } from './parent-endings.ts';
import { inLanes, randomOf } from './plan.ts';

const LANES = 2;

/** Control groups with a memory limit can be made here. */
const canLimitMemory = (): boolean => {
  const group = makeMemoryGroup(`reelay-${process.pid}-try`, 64 * 1024 ** 2);
  group?.remove();
  return group !== null;
};

/** @returns what is wrong, one line each */
export const tortureParents = async (base: string, prepared: PreparedDriver, ids: readonly string[], figures: Figures): Promise<string[]> => {
  const folder = join(base, 'parents');
  mkdirSync(folder);
  const endings = canLimitMemory() ? PARENT_ENDINGS : PARENT_ENDINGS.filter((it) => it.memoryGroup !== true);
  return inLanes(LANES, ids, async (id) => {
    const wrong = await playParentCase(folder, prepared, drawParentCase(randomOf(id), id, endings), figures);
    rmSync(join(folder, id), { recursive: true, force: true });
    return wrong;
  });
};
