import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import { toApiError, type ErrorCode } from '../api.ts';
import { Dialog } from '../components/dialog.tsx';
import { Note } from '../components/notice.tsx';
import { closeDialog } from '../store/dialogs.ts';
import { say } from '../store/toasts.ts';
import { useSubmit } from './use-submit.ts';

interface Props {
  readonly title: string;
  /** What is ended, and what that means. */
  readonly children: ComponentChildren;
  readonly button: string;
  /** Ends it; gives the sentence that says how that went. */
  readonly end: (reason: string | null) => Promise<string>;
  /** The refusal that means it had ended by itself, and the sentence for that. */
  readonly gone: { readonly code: ErrorCode; readonly text: string };
  readonly onEnded: () => void;
}

/** Asks before something is ended by hand, with a reason for the history, and says how it went. */
export function EndByHandDialog({ title, children, button, end, gone, onEnded }: Props) {
  const id = useId();
  const [reason, setReason] = useState('');
  const { busy, error, submit } = useSubmit();
  const endIt = async (): Promise<void> => {
    try {
      say(await end(reason.trim() === '' ? null : reason.trim()));
    } catch (failure) {
      if (toApiError(failure).code !== gone.code) throw failure;
      say(gone.text);
    }
    closeDialog();
    onEnded();
  };
  return (
    <Dialog title={title} onClose={closeDialog}>
      <form onSubmit={(event) => {
        event.preventDefault();
        submit(endIt);
      }}>
        <div class="dialog-body">
          {error !== null && <Note tone="error">{error.message}</Note>}
          <p>{children}</p>
          <div class="field">
            <label for={id}>Reason <span class="needed">(optional)</span></label>
            <input id={id} type="text" maxLength={300} value={reason} onInput={(event) => setReason(event.currentTarget.value)} aria-describedby={`${id}-hint`} />
            <small id={`${id}-hint`} class="muted">It is kept in the history with your name.</small>
          </div>
        </div>
        <footer>
          <button type="button" class="button" autofocus onClick={closeDialog}>Let it run</button>
          <button type="submit" class="button danger" disabled={busy}>{busy ? 'Ending' : button}</button>
        </footer>
      </form>
    </Dialog>
  );
}
