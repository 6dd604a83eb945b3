import type { Process } from '@reelay/contracts';
import { api } from '../api.ts';
import { consequence, outcome, purposeOf } from '../model/processes.ts';
import { EndByHandDialog } from './end-by-hand.tsx';

export function EndProcessDialog({ process, onEnded }: { process: Process; onEnded: () => void }) {
  const { pid, nodeId, id } = process;
  return (
    <EndByHandDialog title={`End process ${pid}?`} button="End process" gone={{ code: 'process_gone', text: `Process ${pid} had already ended` }} onEnded={onEnded}
      end={async (reason) => outcome(await api.endProcess(nodeId, id, reason))}
    >
      <strong>{purposeOf(process)}</strong> on {nodeId}. {consequence(process)}
    </EndByHandDialog>
  );
}
