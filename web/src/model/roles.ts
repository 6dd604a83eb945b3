/** What each role sees. The gateway decides; the client only hides what would be refused. */
import type { Role } from '@reelay/contracts';

export type Ability = 'jobs' | 'createJobs' | 'manageJobs' | 'editVideos' | 'endStreams' | 'nodes';

const ABILITIES: Readonly<Record<Role, readonly Ability[]>> = {
  VIEWER: [],
  ADMIN: ['jobs', 'createJobs', 'editVideos'],
  SUPER_ADMIN: ['jobs', 'createJobs', 'manageJobs', 'editVideos', 'endStreams', 'nodes'],
};

export const may = (role: Role | undefined, ability: Ability): boolean => role !== undefined && ABILITIES[role].includes(ability);

export const ROLE_NAME: Readonly<Record<Role, string>> = { VIEWER: 'Viewer', ADMIN: 'Admin', SUPER_ADMIN: 'Super admin' };
