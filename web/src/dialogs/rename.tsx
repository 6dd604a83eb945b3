import type { Video } from '@reelay/contracts';
import { useState } from 'preact/hooks';
import { api } from '../api.ts';
import { Dialog } from '../components/dialog.tsx';
import { Note } from '../components/notice.tsx';
import { closeDialog } from '../store/dialogs.ts';
import { unlessInUse } from '../store/file-use.ts';
import { videos } from '../store/live-store.ts';
import { say } from '../store/toasts.ts';
import { useSubmit } from './use-submit.ts';

export function RenameDialog({ video }: { video: Video }) {
  const [title, setTitle] = useState(video.title);
  const [filename, setFilename] = useState(video.filename);
  const { busy, error, submit } = useSubmit();
  const changes = {
    ...(title.trim() === video.title ? {} : { title: title.trim() }),
    ...(filename.trim() === video.filename ? {} : { filename: filename.trim() }),
  };
  const nothing = Object.keys(changes).length === 0;
  return (
    <Dialog title="Rename" onClose={closeDialog}>
      <form onSubmit={(event) => {
        event.preventDefault();
        submit(async () => {
          const renamed = await unlessInUse((use) => api.patchVideo(video.id, changes, use));
          if (renamed === null) return;
          videos.put(renamed.value);
          say('Renamed');
          closeDialog();
        });
      }}>
        <div class="dialog-body">
          {error !== null && <Note tone="error">{error.message}</Note>}
          <label class="field">Title<input autofocus required maxLength={300} value={title} onInput={(event) => setTitle(event.currentTarget.value)} /></label>
          <label class="field">File name<input required maxLength={255} spellcheck={false} aria-describedby="rename-hint" value={filename} onInput={(event) => setFilename(event.currentTarget.value)} /></label>
          <small id="rename-hint" class="muted">The file itself is renamed, in the same folder.</small>
        </div>
        <footer>
          <button type="button" class="button" onClick={closeDialog}>Close</button>
          <button type="submit" class="button primary" disabled={busy || nothing}>Rename</button>
        </footer>
      </form>
    </Dialog>
  );
}
