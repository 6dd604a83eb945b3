import type { Process } from '@reelay/contracts';
import { useId, useState } from 'preact/hooks';
import { api, toApiError } from '../api.ts';
import { Dialog } from '../components/dialog.tsx';
import { Note } from '../components/notice.tsx';
import { consequence, outcome, purposeOf } from '../model/processes.ts';
import { closeDialog } from '../store/dialogs.ts';
import { say } from '../store/toasts.ts';
import { useSubmit } from './use-submit.ts';

/** Asks before a process is ended by hand, and says how it went. */
export function EndProcessDialog({ process, onEnded }: { process: Process; onEnded: () => void }) {
  const id = useId();
  const [reason, setReason] = useState('');
  const { busy, error, submit } = useSubmit();
  const end = async (): Promise<void> => {
    try {
      const ended = await api.endProcess(process.nodeId, process.id, reason.trim() === '' ? null : reason.trim());
      say(outcome(ended));
    } catch (failure) {
      if (toApiError(failure).code !== 'process_gone') throw failure;
      say(`Process ${process.pid} had already ended`);
    }
    closeDialog();
    onEnded();
  };
  return (
    <Dialog title={`End process ${process.pid}?`} onClose={closeDialog}>
      <form onSubmit={(event) => {
        event.preventDefault();
        submit(end);
      }}>
        <div class="dialog-body">
          {error !== null && <Note tone="error">{error.message}</Note>}
          <p><strong>{purposeOf(process)}</strong> on {process.nodeId}. {consequence(process)}</p>
          <div class="field">
            <label for={id}>Reason <span class="needed">(optional)</span></label>
            <input id={id} type="text" maxLength={300} value={reason} onInput={(event) => setReason(event.currentTarget.value)} aria-describedby={`${id}-hint`} />
            <small id={`${id}-hint`} class="muted">It is kept in the history with your name.</small>
          </div>
        </div>
        <footer>
          <button type="button" class="button" autofocus onClick={closeDialog}>Let it run</button>
          <button type="submit" class="button danger" disabled={busy}>{busy ? 'Ending' : 'End process'}</button>
        </footer>
      </form>
    </Dialog>
  );
}
