import { useEffect, useRef } from 'preact/hooks';
import { Dialog } from '../components/dialog.tsx';
import { can } from '../store/session.ts';
import type { FileInUse } from '../store/file-use.ts';
import { WAIT_SECONDS } from '../store/file-use.ts';

const WAITING = {
  'for-readers': `Waiting up to ${WAIT_SECONDS} s until nobody uses it any more.`,
  'for-streams-to-end': 'The streams are being ended.',
} as const;

/** Says who uses a file, and offers to wait for them or to end their streams. */
export function FileInUseDialog({ state }: { state: FileInUse }) {
  const first = useRef<HTMLButtonElement>(null);
  const { waiting } = state;
  // The button that had the focus is gone: the keyboard goes on at the one in its place.
  useEffect(() => first.current?.focus(), [waiting]);
  return (
    <Dialog title="The file is in use" onClose={waiting === 'no' ? state.leave : state.stopWaiting}>
      <p class="dialog-text" role="alert">{state.text}.</p>
      <p class="dialog-text muted" role="status">{waiting === 'no' ? '' : WAITING[waiting]}</p>
      {waiting === 'no' ? (
        <footer key="ask">
          <button ref={first} type="button" class="button" onClick={state.leave}>Leave it</button>
          {state.onlyStreams && can('endStreams') && <button type="button" class="button danger" onClick={() => state.wait(true)}>Stop playing and go on</button>}
          <button type="button" class="button primary" onClick={() => state.wait(false)}>Wait</button>
        </footer>
      ) : (
        <footer key="waiting">
          <button ref={first} type="button" class="button" onClick={state.stopWaiting}>Stop waiting</button>
        </footer>
      )}
    </Dialog>
  );
}
