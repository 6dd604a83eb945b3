import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readPidState } from '../../instance/instance.ts';
import { findMarkedProcesses } from '../../instance/marked-processes.ts';
import { count, duration } from '../../output/words.ts';
import { type Check, type Finding, ok, type Patient, warn } from '../check.ts';

const LIMIT_MS = 8_000;

const foldersOf = ({ place, instance }: Patient): string[] => [...new Set([place.dataDir, instance?.facts?.workDir ?? join(place.dataDir, 'node')])];

const system = ({ instance, place, clock }: Patient): Finding[] =>
  instance === null
    ? [ok(`Reelay does not run on ${place.dataDir}`)]
    : [ok(`Reelay runs: process ${instance.pid}, for ${duration((clock.now().getTime() - new Date(instance.startedAt).getTime()) / 1000)}`, { pid: instance.pid, startedAt: instance.startedAt })];

const pidFiles = async (patient: Patient): Promise<Finding[]> => {
  const findings = await Promise.all(foldersOf(patient).map(async (folder) => {
    const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.pid')).map((name) => name.slice(0, -'.pid'.length));
    return Promise.all(names.map(async (name): Promise<Finding> => {
      const { path, owner, isAlive } = await readPidState(folder, name);
      if (owner === null) return warn(`${path} cannot be understood`, 'it does no harm: the lock is elsewhere; the next start writes it anew');
      return isAlive ? ok(`${path}: process ${owner.pid} runs`, { pid: owner.pid }) : warn(`${path} is of process ${owner.pid}, which is gone: it was killed`, 'it does no harm; the next start writes it anew, and its log says how it ended');
    }));
  }));
  return findings.flat();
};

/** Those of a run that is over. The start sweeps them; until then they hold files and memory. */
const leftovers = async (patient: Patient): Promise<Finding[]> => {
  const folders = foldersOf(patient);
  const owners = await Promise.all(folders.flatMap((folder) => ['launcher', 'node-agent'].map((name) => readPidState(folder, name))));
  const alive = new Set(owners.flatMap(({ owner, isAlive }) => (owner !== null && isAlive ? [owner.runId] : [])));
  const left = (await findMarkedProcesses(folders)).filter(({ runId }) => !alive.has(runId));
  if (left.length === 0) return [ok('No process of an earlier run is left')];
  const named = left.slice(0, 5).map(({ pid, command }) => `${pid} (${command.split(' ')[0] ?? ''})`).join(', ');
  return [warn(`${count(left.length, 'process', 'processes')} of an earlier run still there: ${named}`, 'reelay stop --force ends them; so does the next start', { pids: left.map(({ pid }) => pid) })];
};

const check = (id: string, look: Check['look']): Check => ({ id, group: 'Processes', limitMs: LIMIT_MS, look });

export const processChecks: Check[] = [check('system', system), check('pid-files', pidFiles), check('leftovers', leftovers)];
