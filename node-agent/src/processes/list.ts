import { MAX_PROCESSES_BYTES, type ProcessesReply, type ProcessInfo } from '@reelay/contracts';
import type { ProcInfo } from '@reelay/runtime/supervisor';
import type { Attempts } from '../attempts/attempts.ts';
import { WAITING } from '../process/job-worker.ts';

const MOST_MEMBERS = 200;
const ENVELOPE_BYTES = 1_024;

/** The node's children as the hub is told of them, the oldest first; no more than fit into one answer. */
export function processList(inspected: readonly ProcInfo[], attempts: Pick<Attempts, 'ofProcess'>, maxBytes = MAX_PROCESSES_BYTES): ProcessesReply {
  const processes: ProcessInfo[] = [];
  let leftBytes = maxBytes - ENVELOPE_BYTES;
  // Whatever runs for a job comes before whatever does not.
  const ordered = inspected.toSorted((a, b) => rank(a) - rank(b) || b.uptimeMs - a.uptimeMs || a.pid - b.pid);
  for (const info of ordered) {
    const process = describe(info, attempts);
    leftBytes -= Buffer.byteLength(JSON.stringify(process)) + 1;
    if (leftBytes < 0) break;
    processes.push(process);
  }
  return { ok: true, processes, leftOff: inspected.length - processes.length };
}

const rank = ({ kind }: ProcInfo): number => ['interactive', 'batch', 'tool', 'service'].indexOf(kind);

function describe(info: ProcInfo, attempts: Pick<Attempts, 'ofProcess'>): ProcessInfo {
  const attempt = attempts.ofProcess(info.id);
  const { id, pid, uptimeMs, cpuMs, cpuPercent, rssBytes } = info;
  return {
    id, pid, uptimeMs, cpuMs, cpuPercent, rssBytes,
    name: info.name.slice(0, 100),
    // A process that waits is no service for people: it will be a job.
    kind: info.owner === WAITING ? 'batch' : info.kind,
    owner: info.owner?.slice(0, 200) ?? null,
    job: attempt ? { ...attempt.ref, type: attempt.order.type } : null,
    file: info.file?.slice(0, 1024) ?? null,
    state: info.state !== 'running' ? 'ending' : info.frozen ? 'frozen' : 'running',
    memoryLimitMb: info.limits.memoryMb,
    // The process itself first, then as they were started.
    members: info.members.toSorted((a, b) => Number(b.pid === pid) - Number(a.pid === pid) || a.pid - b.pid).slice(0, MOST_MEMBERS)
      .map((member) => ({ pid: member.pid, name: member.name.slice(0, 100), cpuMs: member.cpuMs, rssBytes: member.rssBytes })),
  };
}
