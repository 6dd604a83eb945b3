/** Short messages at the edge of the screen, read out by screen readers. */
import { signal } from '@preact/signals';

export interface Toast {
  readonly id: number;
  readonly tone: 'info' | 'error';
  readonly text: string;
  readonly link: { readonly href: string; readonly label: string } | null;
  readonly action: { readonly label: string; readonly run: () => void } | null;
}

const LIFE_MS = { info: 6000, error: 14_000 } as const;
const MOST = 4;
export const toasts = signal<readonly Toast[]>([]);
let nextId = 1;

export function say(text: string, options: { tone?: Toast['tone']; link?: Toast['link']; action?: Toast['action'] } = {}): void {
  const toast: Toast = { id: nextId, tone: options.tone ?? 'info', text, link: options.link ?? null, action: options.action ?? null };
  nextId += 1;
  toasts.value = [...toasts.value.slice(1 - MOST), toast];
  setTimeout(() => dismiss(toast.id), LIFE_MS[toast.tone]);
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}
