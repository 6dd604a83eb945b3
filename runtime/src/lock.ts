/** The instance lock is held by the guardian, the one helper process of the supervisor. */
export { acquireGuardian, type Guardian, type GuardianOptions, InstanceRunningError } from './supervisor/guardian.ts';
