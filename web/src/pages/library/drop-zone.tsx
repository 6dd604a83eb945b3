import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Icon } from '../../components/icon.tsx';

const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;

/** Takes dropped files anywhere on the page. */
export function DropZone({ enabled, onFiles, children }: { enabled: boolean; onFiles: (files: readonly File[]) => void; children: ComponentChildren }) {
  // Entering a child leaves the parent: only the balance tells whether the pointer is still inside.
  const [depth, setDepth] = useState(0);
  if (!enabled) return <div class="drop-zone">{children}</div>;
  return (
    <div
      class="drop-zone"
      onDragEnter={(event) => hasFiles(event) && setDepth((value) => value + 1)}
      onDragLeave={(event) => hasFiles(event) && setDepth((value) => Math.max(0, value - 1))}
      onDragOver={(event) => hasFiles(event) && event.preventDefault()}
      onDrop={(event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        setDepth(0);
        onFiles([...(event.dataTransfer?.files ?? [])]);
      }}
    >
      {children}
      {depth > 0 && <div class="drop-hint"><Icon name="upload" size={40} />Drop to upload</div>}
    </div>
  );
}
