import type { Video } from '@reelay/contracts';
import { Icon } from '../components/icon.tsx';
import { askForJob } from '../components/video-menu.tsx';
import { can } from '../store/session.ts';
import type { Player } from './player.ts';
import { SENTENCE } from './recovery.ts';

/** Over the picture: what is wrong, in one sentence, and the way out. */
export function Trouble({ player, video }: { player: Player; video: Video }) {
  const state = player.state.value;
  if (state.kind === 'recovering') return <div class="trouble soft" role="status"><p>{state.text}</p></div>;
  if (state.kind !== 'stopped') return null;
  const { text, help } = SENTENCE[state.fault];
  return (
    <div class="trouble" role="alert">
      <Icon name="warning" size={32} />
      <p>{text}</p>
      <div class="row">
        {help === 're-encode' && can('createJobs') && <button type="button" class="button primary" onClick={() => askForJob('reencode_streaming', video)}>Re-encode for Streaming</button>}
        {help === 'validate' && can('createJobs') && <button type="button" class="button primary" onClick={() => askForJob('validate', video)}>Validate Metadata</button>}
        {help === 'sign-in'
          ? <a class="button primary" href={`/login?next=${encodeURIComponent(location.pathname)}`}>Sign in</a>
          : <button type="button" class="button" onClick={() => player.tryAgain()}>Try again</button>}
      </div>
    </div>
  );
}
