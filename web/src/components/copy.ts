/** Copies text; the clipboard API is missing on plain http, where the old way still works. */
import { say } from '../store/toasts.ts';

export async function copyText(text: string, what: string): Promise<void> {
  const done = await tryClipboard(text) || oldCopy(text);
  if (done) say(`${what} copied`);
  else say(`This browser does not allow copying here. The text is: ${text}`, { tone: 'error' });
}

async function tryClipboard(text: string): Promise<boolean> {
  try {
    if (navigator.clipboard === undefined) return false;
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

function oldCopy(text: string): boolean {
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'off-screen';
  const host = document.querySelector('dialog[open]') ?? document.body;
  host.append(area);
  area.select();
  try {
    return document.execCommand('copy');
  } catch {
    return false;
  } finally {
    area.remove();
  }
}
