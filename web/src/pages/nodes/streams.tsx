/** What is being encoded for viewers at the moment: who watches, where it is made, how far it is; each can be ended. */
import type { Stream } from '@reelay/contracts';
import { Badge } from '../../components/badge.tsx';
import { Icon } from '../../components/icon.tsx';
import { headOf, stateOf, summaryOf, workOf } from '../../model/streams.ts';
import { videoPath } from '../../router.ts';
import { openDialog } from '../../store/dialogs.ts';

interface Props {
  /** Null until the first answer. */
  readonly all: readonly Stream[] | null;
  readonly failure: string | null;
  readonly reload: () => void;
}

export function Streams({ all, failure, reload }: Props) {
  if (failure !== null) return <section class="panel streams"><h2>Streams</h2><p class="small error">{failure}</p></section>;
  if (all === null || all.length === 0) return null;
  return (
    <section class="panel streams" aria-labelledby="streams-title">
      <h2 id="streams-title">Streams <span class="muted small">encoded while somebody watches</span></h2>
      <ul aria-label="Streams">{all.map((stream) => <Row key={stream.id} stream={stream} reload={reload} showsGateway={all.some(({ gateway }) => gateway !== all[0]?.gateway)} />)}</ul>
    </section>
  );
}

function Row({ stream, reload, showsGateway }: { stream: Stream; reload: () => void; showsGateway: boolean }) {
  const title = stream.videoTitle ?? 'A deleted video';
  return (
    <li class="process">
      <div class="row spread">
        <div class="process-what">
          <a href={videoPath(stream.videoId)}>{title}</a>
          <span class="small muted file">{stream.state === 'elsewhere' ? `On ${stream.nodeId ?? 'a node'}; gateway ${stream.gateway} would know more` : `${stream.kind === 'pipe' ? 'One film from start to end, ' : ''}${summaryOf(stream)}; ${workOf(stream)}`}{showsGateway && `, gateway ${stream.gateway}`}</span>
        </div>
        <div class="row tight">
          <Badge word={stateOf(stream)} />
          <button type="button" class="icon-button small" aria-label={`End the stream of ${title}`} title="End stream"
            onClick={() => {
              openDialog.value = { kind: 'end-stream', stream, onEnded: reload };
            }}
          ><Icon name="cross" size={16} /></button>
        </div>
      </div>
      {stream.heads.length > 0 && <ul class="small muted stream-heads">{stream.heads.map((head) => <li key={head.id}>{headOf(head)}</li>)}</ul>}
      {stream.unreachable && <p class="small muted">Gateway {stream.gateway} does not answer: this is what it last said.</p>}
      {stream.detail !== null && <p class="small error">{stream.detail}</p>}
    </li>
  );
}
