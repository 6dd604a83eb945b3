import { api } from '../../api.ts';
import { Empty, Loading, Note, Problem } from '../../components/notice.tsx';
import { nodes } from '../../store/live-store.ts';
import { streams, useStreams } from '../../store/live-streams.ts';
import { useLoad, useReloadOn } from '../../store/use-load.ts';
import { usePoll } from '../../store/use-poll.ts';
import { NodeCard } from './card.tsx';
import { Streams } from './streams.tsx';

/** Node reports come with every heartbeat; between events the load is read again this often. */
const REFRESH_MS = 5000;
const PROCESSES_MS = 3000;

export default function NodesPage() {
  const list = useLoad('', async (signal) => (await api.nodes(signal)).data.map((node) => nodes.put(node)));
  useReloadOn(list.reload, (news) => news.event === 'node' || news.event === 'job', REFRESH_MS);
  const processes = useLoad('', (signal) => api.processes(signal));
  usePoll(processes, PROCESSES_MS);
  const following = useStreams();
  const running = { all: processes.data.value, failure: processes.error.value?.message ?? null, reload: processes.reload };
  const rows = list.data.value;
  return (
    <>
      <div class="page-head"><h1>Nodes</h1></div>
      {rows === null && (list.error.value === null ? <Loading what="nodes" /> : <Problem what="The nodes could not be loaded" error={list.error.value} retry={list.reload} />)}
      {rows?.length === 0 && <NoNodes />}
      {rows !== null && rows.length > 0 && (
        <>
          {rows.every((node) => node.value.health !== 'healthy') && <Note tone="warning">No node is healthy, so jobs wait. Direct and remuxed playback still work. Look at the agent's log on its host.</Note>}
          <Streams all={streams.value} failure={following.error.value?.message ?? null} reload={following.reload} />
          <ul class="nodes">{rows.map((node) => <NodeCard key={node.peek().id} node={node} running={running} />)}</ul>
        </>
      )}
    </>
  );
}

function NoNodes() {
  return (
    <Empty icon="node" title="No node has joined yet">
      <p>Jobs run on nodes. <code>npm start</code> brings one of its own; if it is not here, look for lines of the node agent in the terminal.</p>
      <p>Until one joins, jobs wait as pending, and videos that need no conversion can still be played.</p>
    </Empty>
  );
}
