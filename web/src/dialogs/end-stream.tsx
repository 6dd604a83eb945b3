import type { Stream } from '@reelay/contracts';
import { useId, useState } from 'preact/hooks';
import { api, toApiError } from '../api.ts';
import { Dialog } from '../components/dialog.tsx';
import { Note } from '../components/notice.tsx';
import { closeDialog } from '../store/dialogs.ts';
import { say } from '../store/toasts.ts';
import { useSubmit } from './use-submit.ts';

/** Asks before a stream is ended by hand. */
export function EndStreamDialog({ stream, onEnded }: { stream: Stream; onEnded: () => void }) {
  const id = useId();
  const [reason, setReason] = useState('');
  const { busy, error, submit } = useSubmit();
  const title = stream.videoTitle ?? 'a deleted video';
  const end = async (): Promise<void> => {
    try {
      await api.endStream(stream.id, reason.trim() === '' ? null : reason.trim());
      say(`The stream of “${title}” has ended`);
    } catch (failure) {
      if (toApiError(failure).code !== 'stream_not_found') throw failure;
      say(`The stream of “${title}” had already ended`);
    }
    closeDialog();
    onEnded();
  };
  return (
    <Dialog title="End this stream?" onClose={closeDialog}>
      <form onSubmit={(event) => {
        event.preventDefault();
        submit(end);
      }}>
        <div class="dialog-body">
          {error !== null && <Note tone="error">{error.message}</Note>}
          <p><strong>{title}</strong>. {stream.viewers === 0 ? 'Nobody has asked for it in the last half minute.' : 'Whoever watches it is told, and may start it again after ten seconds.'}</p>
          <div class="field">
            <label for={id}>Reason <span class="needed">(optional)</span></label>
            <input id={id} type="text" maxLength={300} value={reason} onInput={(event) => setReason(event.currentTarget.value)} aria-describedby={`${id}-hint`} />
            <small id={`${id}-hint`} class="muted">It is kept in the history with your name.</small>
          </div>
        </div>
        <footer>
          <button type="button" class="button" autofocus onClick={closeDialog}>Let it run</button>
          <button type="submit" class="button danger" disabled={busy}>{busy ? 'Ending' : 'End stream'}</button>
        </footer>
      </form>
    </Dialog>
  );
}
