/** The process of the attempt that runs now: asked of its node every few seconds. */
import type { Job } from '@reelay/contracts';
import { api } from '../../api.ts';
import { cpu, memoryOf, stateOf } from '../../model/processes.ts';
import { useLoad } from '../../store/use-load.ts';
import { usePoll } from '../../store/use-poll.ts';

const REFRESH_MS = 3000;

export function ProcessFacts({ job, nodeId }: { job: Job; nodeId: string }) {
  const list = useLoad(`${nodeId} ${job.id} ${job.epoch}`, async (signal) => {
    const { data } = await api.processesOf(nodeId, signal);
    return { process: data.find((process) => process.job?.jobId === job.id && process.job.epoch === job.epoch) ?? null };
  });
  usePoll(list, REFRESH_MS);
  const process = list.data.value?.process ?? null;
  if (list.error.value !== null) return <div><dt>Process</dt><dd class="muted">{list.error.value.message}</dd></div>;
  if (process === null) return null;
  return (
    <>
      <div><dt>Process</dt><dd>{process.pid}{process.state !== 'running' && `, ${stateOf(process).label.toLowerCase()}`} <span class="muted">with {process.members.map(({ name }) => name).join(', ')}</span></dd></div>
      <div><dt>CPU</dt><dd>{cpu(process.cpuPercent)}</dd></div>
      <div><dt>Memory</dt><dd>{memoryOf(process)}</dd></div>
    </>
  );
}
