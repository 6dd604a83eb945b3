/** All dialogs with a form, in one lazily loaded chunk. */
import type { DialogRequest } from '../store/dialogs.ts';
import type { FileInUse } from '../store/file-use.ts';
import { CreateJobDialog } from './create-job.tsx';
import { DrainDialog } from './drain.tsx';
import { EndProcessDialog } from './end-process.tsx';
import { EndStreamDialog } from './end-stream.tsx';
import { FileInUseDialog } from './file-in-use.tsx';
import { PriorityDialog } from './priority.tsx';
import { RenameDialog } from './rename.tsx';

/** The dialog that is open and, above it, the question what to do about a file in use. */
export default function Dialogs({ request, inUse }: { request: DialogRequest | null; inUse: FileInUse | null }) {
  return (
    <>
      {request !== null && <Requested request={request} />}
      {inUse !== null && <FileInUseDialog state={inUse} />}
    </>
  );
}

function Requested({ request }: { request: DialogRequest }) {
  switch (request.kind) {
    case 'create-job': return <CreateJobDialog type={request.type} video={request.video} />;
    case 'rename': return <RenameDialog video={request.video} />;
    case 'drain': return <DrainDialog node={request.node} />;
    case 'end-process': return <EndProcessDialog process={request.process} onEnded={request.onEnded} />;
    case 'end-stream': return <EndStreamDialog stream={request.stream} onEnded={request.onEnded} />;
    case 'priority': break;
  }
  return <PriorityDialog job={request.job} />;
}
