import type { Job } from '@reelay/contracts';
import { useId, useState } from 'preact/hooks';
import { api } from '../api.ts';
import { Priority } from '../components/badge.tsx';
import { Dialog } from '../components/dialog.tsx';
import { Note } from '../components/notice.tsx';
import { closeDialog } from '../store/dialogs.ts';
import { jobs } from '../store/live-store.ts';
import { say } from '../store/toasts.ts';
import { useSubmit } from './use-submit.ts';

export function PrioritySlider({ value, onChange, autofocus = false }: { value: number; onChange: (value: number) => void; autofocus?: boolean }) {
  const id = useId();
  return (
    <div class="field">
      <span class="row tight"><label for={id}>Priority</label> <Priority value={value} /></span>
      <input id={id} type="range" min={1} max={10} step={1} value={value} autofocus={autofocus} onInput={(event) => onChange(Number(event.currentTarget.value))} />
      <small class="row spread muted"><span>1, first</span><span>10, last</span></small>
    </div>
  );
}

export function PriorityDialog({ job }: { job: Job }) {
  const [value, setValue] = useState(job.priority);
  const { busy, error, submit } = useSubmit();
  return (
    <Dialog title="Change priority" onClose={closeDialog}>
      <form onSubmit={(event) => {
        event.preventDefault();
        submit(async () => {
          jobs.put(await api.setPriority(job.id, value));
          say(`Priority is now ${value}`);
          closeDialog();
        });
      }}>
        <div class="dialog-body">
          {error !== null && <Note tone="error">{error.message}</Note>}
          <PrioritySlider value={value} onChange={setValue} autofocus />
        </div>
        <footer>
          <button type="button" class="button" onClick={closeDialog}>Close</button>
          <button type="submit" class="button primary" disabled={busy || value === job.priority}>Change</button>
        </footer>
      </form>
    </Dialog>
  );
}
