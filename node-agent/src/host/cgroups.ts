import type { Clock, Logger } from '@reelay/runtime';
import { type CgroupTree, openCgroupTree } from '@reelay/runtime/supervisor';

/**
 * The part of cgroup v2 that is ours, where the system gives us one: each job gets a folder of its own there, so that the
 * kernel keeps its memory limit. What an earlier run left in it is ended.
 */
export function openCgroups(logger: Logger, clock: Clock): CgroupTree | undefined {
  const { tree, reason } = openCgroupTree({ clock });
  if (tree === null) {
    logger.info({ reason }, 'no cgroup of our own: memory limits are kept by the health monitor');
    return undefined;
  }
  const pids = tree.sweep();
  if (pids.length > 0) logger.warn({ pids }, 'ended what an earlier run left in its cgroups');
  logger.info({ folder: tree.folder, controllers: [...tree.controllers] }, 'jobs run in cgroups of their own');
  return tree;
}
