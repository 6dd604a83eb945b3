/** "Are you sure?" as a promise: `if (await confirm({…})) …`. One at a time; <ConfirmHost/> shows it. */
import { signal } from '@preact/signals';
import { Dialog } from './dialog.tsx';

interface Question {
  readonly title: string;
  readonly text: string;
  readonly action: string;
  readonly danger?: boolean;
  /** Label of the way out. */
  readonly keep?: string;
}
interface Asked extends Question {
  readonly answer: (yes: boolean) => void;
}
const asked = signal<Asked | null>(null);

export function confirm(question: Question): Promise<boolean> {
  asked.value?.answer(false);
  return new Promise((resolve) => {
    asked.value = {
      ...question,
      answer: (yes) => {
        asked.value = null;
        resolve(yes);
      },
    };
  });
}

export function ConfirmHost() {
  const question = asked.value;
  if (question === null) return null;
  return (
    <Dialog title={question.title} onClose={() => question.answer(false)}>
      <p class="dialog-text">{question.text}</p>
      <footer>
        <button type="button" class="button" autofocus onClick={() => question.answer(false)}>{question.keep ?? 'Keep it'}</button>
        <button type="button" class={question.danger === true ? 'button danger' : 'button primary'} onClick={() => question.answer(true)}>{question.action}</button>
      </footer>
    </Dialog>
  );
}
