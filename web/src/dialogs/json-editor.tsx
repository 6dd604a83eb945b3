import { useId } from 'preact/hooks';
import type { FieldError } from '../model/schema-form.ts';

export function JsonEditor({ text, error, onChange }: { text: string; error: string | undefined; onChange: (text: string) => void }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>Parameters as JSON</label>
      <textarea id={id} class="mono" rows={8} spellcheck={false} value={text} aria-invalid={error === undefined ? undefined : true} aria-describedby={`${id}-error`} onInput={(event) => onChange(event.currentTarget.value)} />
      <small id={`${id}-error`} class={error === undefined ? 'muted' : 'error'}>{error ?? 'Left out parameters take their defaults.'}</small>
    </div>
  );
}

export function parseParams(text: string): { params: Record<string, unknown>; errors: FieldError[] } {
  try {
    const params: unknown = JSON.parse(text.trim() === '' ? '{}' : text);
    if (typeof params === 'object' && params !== null && !Array.isArray(params)) return { params: { ...params }, errors: [] };
    return { params: {}, errors: [{ path: 'json', message: 'Give an object: { "name": value }' }] };
  } catch (error) {
    return { params: {}, errors: [{ path: 'json', message: `This is not valid JSON: ${error instanceof Error ? error.message : 'unknown'}` }] };
  }
}
