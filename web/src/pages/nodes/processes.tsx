/** What runs on a node: each process that its agent started, folded with those it started itself. */
import type { AllProcesses, Node, Process } from '@reelay/contracts';
import { Badge } from '../../components/badge.tsx';
import { Icon } from '../../components/icon.tsx';
import { span } from '../../model/format.ts';
import { cpu, memory, memoryOf, purposeOf, stateOf, totals } from '../../model/processes.ts';
import { jobPath } from '../../router.ts';
import { openDialog } from '../../store/dialogs.ts';

interface Props {
  readonly node: Node;
  /** Null until the first answer. */
  readonly all: AllProcesses | null;
  readonly failure: string | null;
  readonly reload: () => void;
}

export function Processes({ node, all, failure, reload }: Props) {
  const mine = all?.data.filter(({ nodeId }) => nodeId === node.id) ?? [];
  const missing = all?.unreachable.find(({ nodeId }) => nodeId === node.id);
  const problem = failure ?? missing?.detail ?? null;
  return (
    <details class="processes" open>
      <summary><h3>Processes</h3> <span class="muted">{all === null || problem !== null ? '' : totals(mine)}</span></summary>
      {all === null && failure === null && <p class="small muted" role="status">Asking the node</p>}
      {problem !== null && <p class="small error">{problem}</p>}
      {all !== null && problem === null && mine.length === 0 && <p class="small muted">Nothing runs here. Processes appear as soon as the node has work.</p>}
      {mine.length > 0 && <ul aria-label={`Processes of ${node.name}`}>{mine.map((process) => <Row key={process.id} process={process} reload={reload} />)}</ul>}
    </details>
  );
}

function Row({ process, reload }: { process: Process; reload: () => void }) {
  const purpose = purposeOf(process);
  return (
    <li class="process" data-state={process.state}>
      <div class="row spread">
        <div class="process-what">
          {process.job === null ? <span>{purpose}</span> : <a href={jobPath(process.job.jobId)}>{purpose}</a>}
          {process.file !== null && <span class="small muted file">{process.file}</span>}
        </div>
        <div class="row tight">
          <Badge word={stateOf(process)} />
          <button type="button" class="icon-button small" aria-label={`End process ${process.pid}, ${purpose}`} title="End process" disabled={process.state === 'ending'}
            onClick={() => {
              openDialog.value = { kind: 'end-process', process, onEnded: reload };
            }}
          ><Icon name="cross" size={16} /></button>
        </div>
      </div>
      <dl class="process-facts small">
        <div><dt>Process</dt><dd>{process.name}, {process.pid}</dd></div>
        <div><dt>Up</dt><dd>{span(process.uptimeMs / 1000)}</dd></div>
        <div><dt>CPU</dt><dd>{cpu(process.cpuPercent)}</dd></div>
        <div><dt>Memory</dt><dd>{memoryOf(process)}</dd></div>
      </dl>
      {process.members.length > 1 && <Members process={process} />}
    </li>
  );
}

function Members({ process }: { process: Process }) {
  return (
    <details class="small">
      <summary class="muted">{process.members.length} processes in its group</summary>
      <table class="plain">
        <caption class="off-screen">Processes in the group of {process.pid}</caption>
        <thead><tr><th scope="col">Program</th><th scope="col">Id</th><th scope="col">CPU time</th><th scope="col">Memory</th></tr></thead>
        <tbody>
          {process.members.map((member) => (
            <tr key={member.pid}><td><code>{member.name}</code></td><td>{member.pid}</td><td>{span(member.cpuMs / 1000)}</td><td>{memory(member.rssBytes)}</td></tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
