import { availableParallelism, freemem, release, totalmem } from 'node:os';
import { findExecutable, hasSetpriv } from '@reelay/runtime/supervisor';
import { bytes } from '../../output/words.ts';
import { type Check, fail, type Finding, ok, type Patient, warn } from '../check.ts';
import { numberOf, textOf } from '../proc-fs.ts';
import { runProgram } from '../programs.ts';

const NEEDED_NODE = { major: 20, minor: 19 };
const LOW_MEMORY_BYTES = 1024 ** 3;
const LOW_FILES = 4096;
const LOW_WATCHES = 8192;
const BUSY_PERCENT = 40;
const LIMIT_MS = 5_000;

const node = (): Finding[] => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const enough = major > NEEDED_NODE.major || (major === NEEDED_NODE.major && minor >= NEEDED_NODE.minor);
  const text = `Node ${process.versions.node} at ${process.execPath}`;
  return [enough ? ok(text, { version: process.versions.node }) : fail(text, `install Node ${NEEDED_NODE.major}.${NEEDED_NODE.minor} or newer`)];
};

const npm: Check['look'] = async (patient, ctx) => {
  const found = await runProgram(ctx, patient, 'npm', ['--version']);
  return [found.ok ? ok(`npm ${found.stdout.trim()}`, { version: found.stdout.trim() }) : warn(`npm does not run (${found.lastWords})`, 'npm start and updates need it; a container image does without')];
};

const platform = async (): Promise<Finding[]> => {
  const os = /^PRETTY_NAME="?([^"\n]*)/m.exec((await textOf('/etc/os-release')) ?? '')?.[1] ?? process.platform;
  const text = `${os}, kernel ${release()}, ${process.arch}, ${availableParallelism()} processors`;
  const isTried = process.platform === 'linux' && (process.arch === 'x64' || process.arch === 'arm64');
  return [isTried ? ok(text, { os, kernel: release(), arch: process.arch, processors: availableParallelism() }) : warn(text, 'npm start runs on Linux with x64 or arm64; use docker compose up here')];
};

/** The container or unit that this command runs in may allow less than the machine has. */
const memory = async (): Promise<Finding[]> => {
  const available = /^MemAvailable:\s+(\d+) kB/m.exec((await textOf('/proc/meminfo')) ?? '')?.[1];
  const freeBytes = available === undefined ? freemem() : Number(available) * 1024;
  const text = `${bytes(freeBytes)} of ${bytes(totalmem())} memory available`;
  const findings = [freeBytes < LOW_MEMORY_BYTES ? warn(text, 'a re-encode needs some hundred MB; end other programs or add memory', { freeBytes }) : ok(text, { freeBytes, totalBytes: totalmem() })];
  const [limit, quota] = await Promise.all([numberOf('/sys/fs/cgroup/memory.max'), textOf('/sys/fs/cgroup/cpu.max')]);
  if (limit !== null) findings.push(limit < LOW_MEMORY_BYTES ? warn(`The cgroup allows ${bytes(limit)} of memory`, 'raise the limit of the container or unit') : ok(`The cgroup allows ${bytes(limit)} of memory`));
  const [cpu, period] = (quota ?? 'max').split(' ');
  if (cpu !== 'max' && cpu !== undefined) findings.push(ok(`The cgroup allows ${(Number(cpu) / Number(period)).toFixed(1)} processors`));
  return findings;
};

/** How much of the last minute something waited for it. */
const pressure = async (): Promise<Finding[]> => {
  const findings = await Promise.all(['cpu', 'memory', 'io'].map(async (kind): Promise<Finding[]> => {
    const text = await textOf(`/proc/pressure/${kind}`);
    const percent = Number(/some .*avg60=([\d.]+)/.exec(text ?? '')?.[1] ?? Number.NaN);
    if (Number.isNaN(percent)) return [];
    const said = `${kind}: something waited ${percent.toFixed(0)} % of the last minute`;
    return [percent > BUSY_PERCENT ? warn(said, `this machine is short of ${kind === 'io' ? 'disk speed' : kind}; run fewer jobs at once (REELAY_LIMIT_CPU, REELAY_LIMIT_GPU_ENCODE)`, { percent }) : ok(said, { percent })];
  }));
  return findings.flat();
};

const limits = async (): Promise<Finding[]> => {
  const soft = /^Max open files\s+(\S+)/m.exec((await textOf('/proc/self/limits')) ?? '')?.[1];
  if (soft === undefined) return [];
  const text = `${soft} files may be open at once`;
  return [Number(soft) < LOW_FILES ? warn(text, 'raise it: ulimit -n 65536, or LimitNOFILE= of the unit') : ok(text, { soft: Number(soft) })];
};

const watches = async (): Promise<Finding[]> => {
  const most = await numberOf('/proc/sys/fs/inotify/max_user_watches');
  if (most === null) return [];
  const text = `${most} folders may be watched for changes (inotify)`;
  return [most < LOW_WATCHES ? warn(text, 'sysctl fs.inotify.max_user_watches=524288') : ok(text)];
};

/** What makes children die with their parent, and holds the lock. */
const helpers = ({ env }: Patient): Finding[] => {
  const path = env.PATH ?? '';
  return [
    hasSetpriv() ? ok('setpriv: children die with their parent by the kernel’s hand') : warn('setpriv (util-linux) is not there: a guardian process ends the children of a killed parent', 'install util-linux, which does it at once'),
    findExecutable('flock', path) === null ? warn('flock is not there: a socket holds the lock of the data folder', 'install util-linux') : ok('flock holds the lock of the data folder'),
  ];
};

const surroundings = async ({ env }: Patient): Promise<Finding[]> => {
  const [docker, podman, first] = await Promise.all([textOf('/.dockerenv'), textOf('/run/.containerenv'), textOf('/proc/1/comm')]);
  const where = docker !== null ? 'in a Docker container' : podman !== null ? 'in a Podman container' : env.KUBERNETES_SERVICE_HOST ? 'in a Kubernetes pod' : 'not in a container that shows itself';
  return [ok(`Runs ${where}; the first process is ${first ?? 'unknown'}${first === 'systemd' ? ' (deploy/systemd has units)' : ''}`, { first })];
};

const machine = (id: string, look: Check['look'], limitMs = LIMIT_MS): Check => ({ id, group: 'Machine', limitMs, look });

export const machineChecks: Check[] = [
  machine('node', node), machine('npm', npm, 15_000), machine('platform', platform), machine('memory', memory), machine('pressure', pressure),
  machine('limits', limits), machine('inotify', watches), machine('helpers', helpers), machine('surroundings', surroundings),
];
