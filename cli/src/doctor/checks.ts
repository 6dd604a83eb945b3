import type { Check } from './check.ts';
import { ffmpegChecks } from './checks/ffmpeg.ts';
import { folderChecks } from './checks/folders.ts';
import { gatewayChecks } from './checks/gateway.ts';
import { gpuChecks } from './checks/gpu.ts';
import { installationChecks } from './checks/installation.ts';
import { machineChecks } from './checks/machine.ts';
import { natsChecks } from './checks/nats.ts';
import { portChecks } from './checks/port.ts';
import { postgresChecks } from './checks/postgres.ts';
import { processChecks } from './checks/processes.ts';
import { settingsChecks } from './checks/settings.ts';
import { signInChecks } from './checks/sign-in.ts';

const GROUPS: readonly Check['group'][] = ['Machine', 'Installation', 'Settings', 'Folders', 'Programs', 'Services', 'Processes'];
const ALL = [
  ...machineChecks, ...installationChecks, ...settingsChecks, ...folderChecks, ...ffmpegChecks, ...gpuChecks, ...natsChecks, ...postgresChecks, ...gatewayChecks, ...signInChecks,
  ...processChecks, ...portChecks,
];

/** Every question, in the order of the answer. */
export const CHECKS: readonly Check[] = GROUPS.flatMap((group) => ALL.filter((check) => check.group === group));
