import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { DialogRequest } from '../store/dialogs.ts';
import { closeDialog, openDialog } from '../store/dialogs.ts';
import { say } from '../store/toasts.ts';

type Dialogs = ComponentType<{ request: DialogRequest }>;

export function DialogHost() {
  const request = openDialog.value;
  const [Dialogs, setDialogs] = useState<Dialogs | null>(null);
  const wanted = request !== null;
  useEffect(() => {
    if (!wanted || Dialogs !== null) return;
    import('../dialogs/dialogs.tsx').then(
      (module) => setDialogs(() => module.default),
      () => {
        closeDialog();
        say('This part could not be loaded. Reload the page and try again.', { tone: 'error' });
      },
    );
  }, [wanted, Dialogs]);
  return request === null || Dialogs === null ? null : <Dialogs request={request} />;
}
