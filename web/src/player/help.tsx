import { Dialog } from '../components/dialog.tsx';
import { SHORTCUTS } from './shortcuts.ts';

export function ShortcutHelp({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys of the player" onClose={onClose}>
      <dl class="dialog-body keys">
        {SHORTCUTS.map(({ shown, what }) => <div key={shown}><dt><kbd>{shown}</kbd></dt><dd>{what}</dd></div>)}
      </dl>
      <p class="dialog-text small muted">Touch: once for the controls, twice on a side for 10 seconds back or forward. Mouse: once to play or pause, twice for full screen.</p>
    </Dialog>
  );
}
