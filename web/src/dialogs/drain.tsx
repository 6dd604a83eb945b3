import type { Node } from '@reelay/contracts';
import { useId, useState } from 'preact/hooks';
import { api } from '../api.ts';
import { Dialog } from '../components/dialog.tsx';
import { Note } from '../components/notice.tsx';
import { DRAIN_CHOICES, type DrainChoice, drainSeconds, jobsOn } from '../model/drain.ts';
import { plural } from '../model/format.ts';
import { closeDialog } from '../store/dialogs.ts';
import { nodes } from '../store/live-store.ts';
import { say } from '../store/toasts.ts';
import { useSubmit } from './use-submit.ts';

/** Asks how long running jobs may take to finish. */
export function DrainDialog({ node }: { node: Node }) {
  const id = useId();
  const [choice, setChoice] = useState<DrainChoice>('finish');
  const [minutes, setMinutes] = useState('30');
  const { busy, error, submit } = useSubmit();
  const seconds = drainSeconds(choice, minutes);
  const again = node.adminState === 'draining';
  // As it is now: jobs end while somebody thinks.
  const running = jobsOn(nodes.get(node.id)?.value ?? node);
  return (
    <Dialog title={again ? `Deadline of ${node.name}` : `Drain ${node.name}?`} onClose={closeDialog}>
      <form onSubmit={(event) => {
        event.preventDefault();
        if (seconds === undefined) return;
        submit(async () => {
          nodes.put(await api.drainNode(node.id, seconds));
          say(`${node.name} drains`);
          closeDialog();
        });
      }}>
        <div class="dialog-body">
          {error !== null && <Note tone="error">{error.message}</Note>}
          <p>The node takes no new jobs; what it has not started yet goes to other nodes. {running === 0 ? 'Nothing runs there now.' : `${plural(running, 'job')} there now.`}</p>
          <div class="field">
            <label for={id}>Running jobs</label>
            <select id={id} autofocus value={choice} onChange={(event) => setChoice(event.currentTarget.value as DrainChoice)}>
              {Object.entries(DRAIN_CHOICES).map(([key, label]) => <option key={key} value={key}>{label}</option>)}
            </select>
            <small class="muted">What still runs at the deadline starts again elsewhere; no retry is used.</small>
          </div>
          {choice === 'minutes' && (
            <div class="field">
              <label for={`${id}-minutes`}>Minutes</label>
              <input id={`${id}-minutes`} inputMode="numeric" required value={minutes} aria-invalid={seconds === undefined ? true : undefined} aria-describedby={`${id}-range`} onInput={(event) => setMinutes(event.currentTarget.value)} />
              <small id={`${id}-range`} class={seconds === undefined ? 'error' : 'muted'}>1 to 1440</small>
            </div>
          )}
        </div>
        <footer>
          <button type="button" class="button" onClick={closeDialog}>Leave it</button>
          <button type="submit" class="button primary" disabled={busy || seconds === undefined}>{again ? 'Set' : 'Drain'}</button>
        </footer>
      </form>
    </Dialog>
  );
}
