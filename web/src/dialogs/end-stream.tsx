import type { Stream } from '@reelay/contracts';
import { api } from '../api.ts';
import { EndByHandDialog } from './end-by-hand.tsx';

export function EndStreamDialog({ stream: { id, videoTitle, viewers }, onEnded }: { stream: Stream; onEnded: () => void }) {
  const title = videoTitle ?? 'a deleted video';
  return (
    <EndByHandDialog title="End this stream?" button="End stream" gone={{ code: 'stream_not_found', text: `The stream of “${title}” had already ended` }} onEnded={onEnded}
      end={async (reason) => {
        await api.endStream(id, reason);
        return `The stream of “${title}” has ended`;
      }}
    >
      <strong>{title}</strong>. {viewers === 0 ? 'Nobody has asked for it in the last half minute.' : 'Whoever watches it is told, and may start it again after ten seconds.'}
    </EndByHandDialog>
  );
}
