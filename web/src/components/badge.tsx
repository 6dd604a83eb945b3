import type { JobStatus } from '@reelay/contracts';
import type { Word } from '../model/words.ts';
import { STATUS, priorityTone } from '../model/words.ts';
import { Icon } from './icon.tsx';

/** Colour, icon and word together: none of them alone carries the meaning. */
export function Badge({ word, title }: { word: Word; title?: string | undefined }) {
  return (
    <span class="badge" data-tone={word.tone} title={title}>
      <Icon name={word.icon} size={14} />
      {word.label}
    </span>
  );
}

export function StatusBadge({ status, cancelling = false }: { status: JobStatus; cancelling?: boolean }) {
  const word = STATUS[status];
  return <Badge word={cancelling ? { ...word, label: 'Cancelling', icon: 'stop' } : word} />;
}

export function Priority({ value }: { value: number }) {
  return <span class="badge priority" data-tone={priorityTone(value)} title={`Priority ${value} of 10; 1 is first`}>{value}</span>;
}
