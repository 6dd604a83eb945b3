/** One instance per folder; where children run, a helper process keeps the lock until they are gone. */
export { acquireGuardian, type Guardian, type GuardianOptions } from './supervisor/guardian.ts';
export { acquireInstance, type InstanceLock, InstanceRunningError, RunFolderUnusable } from './supervisor/instance-lock.ts';
