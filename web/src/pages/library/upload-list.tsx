import type { Video } from '@reelay/contracts';
import { Icon } from '../../components/icon.tsx';
import { Bar } from '../../components/progress.tsx';
import { bytes, plural, remaining } from '../../model/format.ts';
import { videoPath } from '../../router.ts';
import { videos } from '../../store/live-store.ts';
import type { Upload } from '../../store/uploads.ts';
import { clearFinished, removeUpload, retryUpload, uploads } from '../../store/uploads.ts';

export function UploadList() {
  const list = uploads.value;
  if (list.length === 0) return null;
  const finished = list.filter(({ state }) => state.kind === 'done').length;
  return (
    <section class="panel uploads" aria-label="Uploads">
      <div class="row spread">
        <h2 role="status">{finished === list.length ? `${plural(finished, 'file')} uploaded` : `Uploading: ${finished} of ${plural(list.length, 'file')} done`}</h2>
        {finished > 0 && <button type="button" class="button small" onClick={clearFinished}>Clear finished</button>}
      </div>
      <ul>{list.map((upload) => <Row key={upload.id} upload={upload} />)}</ul>
    </section>
  );
}

function Row({ upload }: { upload: Upload }) {
  const { id, file, state } = upload;
  return (
    <li class="upload">
      <span class="upload-name" title={file.name}>{state.kind === 'done' ? <a href={videoPath(state.video.id)}>{file.name}</a> : file.name}</span>
      <div class="upload-state">
        {state.kind === 'sending' && <Bar percent={file.size === 0 ? 100 : (state.sentBytes / file.size) * 100} label={`Upload of ${file.name}`} />}
        <span class={state.kind === 'failed' ? 'small error' : 'small muted'}>{words(upload)}</span>
      </div>
      {state.kind === 'failed' && <button type="button" class="button small" onClick={() => retryUpload(id)}><Icon name="retry" size={16} />Try again</button>}
      {state.kind !== 'checking' && (
        <button type="button" class="icon-button small" aria-label={state.kind === 'done' || state.kind === 'failed' ? `Remove ${file.name} from this list` : `Cancel the upload of ${file.name}`} onClick={() => removeUpload(id)}>
          <Icon name="cross" size={16} />
        </button>
      )}
    </li>
  );
}

/** What validation found, once it is over. */
function wordsOf({ valid, invalidReason }: Video): string {
  if (valid === null) return 'Uploaded, being validated';
  return valid ? 'Ready to play' : `Not playable: ${invalidReason ?? 'the reason is not known'}`;
}

function words({ file, state }: Upload): string {
  switch (state.kind) {
    case 'waiting': return `${bytes(file.size)}, waiting`;
    case 'checking': return 'Saving';
    case 'done': return wordsOf(videos.get(state.video.id)?.value ?? state.video);
    case 'failed': return state.error.message;
    case 'sending': break;
  }
  const share = `${bytes(state.sentBytes)} of ${bytes(file.size)}`;
  if (state.interrupted) return `${share}, waiting for the connection`;
  return state.bytesPerSecond === null || state.bytesPerSecond === 0 ? share
    : `${share}, ${bytes(state.bytesPerSecond)}/s, ${remaining((file.size - state.sentBytes) / state.bytesPerSecond)}`;
}
