/** All dialogs with a form, in one lazily loaded chunk. */
import type { DialogRequest } from '../store/dialogs.ts';
import { CreateJobDialog } from './create-job.tsx';
import { DrainDialog } from './drain.tsx';
import { EndProcessDialog } from './end-process.tsx';
import { PriorityDialog } from './priority.tsx';
import { RenameDialog } from './rename.tsx';

export default function Dialogs({ request }: { request: DialogRequest }) {
  switch (request.kind) {
    case 'create-job': return <CreateJobDialog type={request.type} video={request.video} />;
    case 'rename': return <RenameDialog video={request.video} />;
    case 'drain': return <DrainDialog node={request.node} />;
    case 'end-process': return <EndProcessDialog process={request.process} onEnded={request.onEnded} />;
    case 'priority': break;
  }
  return <PriorityDialog job={request.job} />;
}
