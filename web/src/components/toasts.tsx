import type { Toast } from '../store/toasts.ts';
import { dismiss, toasts } from '../store/toasts.ts';
import { Icon } from './icon.tsx';

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((toast) => (
        <div key={toast.id} class="toast" data-tone={toast.tone}>
          <Icon name={toast.tone === 'error' ? 'warning' : 'check'} />
          <span>{toast.text}{toast.link !== null && <> <a href={toast.link.href}>{toast.link.label}</a></>}</span>
          {toast.action !== null && <button type="button" class="button small" onClick={() => run(toast)}>{toast.action.label}</button>}
          <button type="button" class="icon-button small" aria-label="Dismiss" onClick={() => dismiss(toast.id)}><Icon name="cross" size={16} /></button>
        </div>
      ))}
    </div>
  );
}

function run(toast: Toast): void {
  dismiss(toast.id);
  toast.action?.run();
}
