import { access, constants, readdir } from 'node:fs/promises';
import { findExecutable } from '@reelay/runtime/supervisor';
import { type Check, type Finding, ok, warn } from '../check.ts';
import { textOf } from '../proc-fs.ts';
import { runProgram } from '../programs.ts';

const LIMIT_MS = 20_000;
const QUERY = ['--query-gpu=index,name,driver_version,memory.total,memory.used,temperature.gpu', '--format=csv,noheader,nounits'];

/** nvidia-smi hangs when the driver does: that is what the time limit is for. */
const nvidia: Check['look'] = async (patient, ctx) => {
  const program = findExecutable(patient.env.NVIDIA_SMI_PATH || 'nvidia-smi', patient.env.PATH ?? '');
  const driver = /Kernel Module\s+(\S+)|x86_64\s+(\S+)/.exec((await textOf('/proc/driver/nvidia/version')) ?? '');
  if (program === null) {
    return driver === null ? [ok('No NVIDIA device shows itself')] : [warn(`The NVIDIA driver ${driver[1] ?? driver[2] ?? ''} is loaded, but nvidia-smi is not there`, 'install it, or give the container the GPU (--gpus all)')];
  }
  const ran = await runProgram(ctx, patient, program, QUERY, LIMIT_MS);
  if (!ran.ok) return [warn(`nvidia-smi does not work (${ran.lastWords})`, 'look at the driver: its kernel module and nvidia-smi must be of one version; a restart of the machine often helps after an update')];
  return ran.stdout.trim().split('\n').filter((line) => line !== '').map((line): Finding => {
    const [index, name, version, total, used, temperature] = line.split(',').map((part) => part.trim());
    return ok(`GPU ${index ?? '?'}: ${name ?? 'unknown'}, driver ${version ?? '?'}, ${used ?? '?'} of ${total ?? '?'} MB in use, ${temperature ?? '?'} °C`, { index, name, driver: version, totalMb: Number(total), usedMb: Number(used) });
  });
};

/** The encoders of Intel and AMD are reached through these files. */
const render: Check['look'] = async () => {
  const names = (await readdir('/dev/dri').catch(() => [])).filter((name) => name.startsWith('renderD'));
  return Promise.all(names.map(async (name): Promise<Finding> => {
    const path = `/dev/dri/${name}`;
    const may = await access(path, constants.R_OK | constants.W_OK).then(() => true, () => false);
    return may ? ok(`${path} may be used`) : warn(`${path} is there, but this user may not use it`, 'add the user to the group render (usermod -aG render USER) and sign in anew');
  }));
};

export const gpuChecks: Check[] = [
  { id: 'gpu.nvidia', group: 'Programs', limitMs: LIMIT_MS, look: nvidia },
  { id: 'gpu.render', group: 'Programs', limitMs: LIMIT_MS, look: render },
];
