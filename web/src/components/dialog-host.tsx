import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { DialogRequest } from '../store/dialogs.ts';
import { closeDialog, openDialog } from '../store/dialogs.ts';
import type { FileInUse } from '../store/file-use.ts';
import { fileInUse } from '../store/file-use.ts';
import { say } from '../store/toasts.ts';

type Dialogs = ComponentType<{ request: DialogRequest | null; inUse: FileInUse | null }>;

export function DialogHost() {
  const request = openDialog.value;
  const inUse = fileInUse.value;
  const [Dialogs, setDialogs] = useState<Dialogs | null>(null);
  const wanted = request !== null || inUse !== null;
  useEffect(() => {
    if (!wanted || Dialogs !== null) return;
    import('../dialogs/dialogs.tsx').then(
      (module) => setDialogs(() => module.default),
      () => {
        closeDialog();
        fileInUse.value?.leave();
        say('This part could not be loaded. Reload the page and try again.', { tone: 'error' });
      },
    );
  }, [wanted, Dialogs]);
  return wanted && Dialogs !== null ? <Dialogs request={request} inUse={inUse} /> : null;
}
