import type { Video } from '@reelay/contracts';
import { Icon } from '../components/icon.tsx';
import { askForJob } from '../components/video-menu.tsx';
import { can } from '../store/session.ts';
import type { Player } from './player.ts';
import { SENTENCE } from './recovery.ts';

/** Over the picture when it cannot be played: what is wrong, in one sentence, and the way out. */
export function TroubleView({ player, video }: { player: Player; video: Video }) {
  const state = player.state.value;
  if (state.kind !== 'stopped') return null;
  const { text, help } = SENTENCE[state.trouble.fault];
  const { sentence } = state.trouble;
  return (
    <div class="trouble" role="alert">
      <Icon name="warning" size={32} />
      <p>{text}</p>
      {sentence !== null && <p class="small">{sentence}</p>}
      <div class="row">
        {help === 're-encode' && can('createJobs') && <button type="button" class="button primary" onClick={() => askForJob('reencode_streaming', video)}>Re-encode for Streaming</button>}
        {help === 'validate' && can('createJobs') && <button type="button" class="button primary" onClick={() => askForJob('validate', video)}>Validate Metadata</button>}
        <button type="button" class="button" onClick={() => player.tryAgain()}>Try again</button>
      </div>
    </div>
  );
}
