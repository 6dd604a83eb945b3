/** One parameter of a job: label, input by kind, hint, error. */
import { useId } from 'preact/hooks';
import type { Field, FormValues } from '../model/schema-form.ts';
import { rangeOf } from '../model/schema-form.ts';
import { VideoPicker } from './video-picker.tsx';

type Value = FormValues[string];
interface Props {
  readonly field: Field;
  readonly value: Value | undefined;
  readonly error: string | undefined;
  readonly onChange: (value: Value) => void;
}

export function ParamField(props: Props) {
  const { field, error } = props;
  const id = useId();
  const hint = hintOf(field);
  const describedBy = [hint === '' ? null : `${id}-hint`, error === undefined ? null : `${id}-error`].filter((part) => part !== null).join(' ') || undefined;
  const control = { id, 'aria-describedby': describedBy, 'aria-invalid': error === undefined ? undefined : true } as const;
  return (
    <div class={field.kind === 'boolean' ? 'field check' : 'field'}>
      <label for={id}>{field.label}{field.required && <span class="needed"> (needed)</span>}</label>
      <Control {...props} control={control} />
      {hint !== '' && <small id={`${id}-hint`} class="muted">{hint}</small>}
      {error !== undefined && <small id={`${id}-error`} class="error">{error}</small>}
    </div>
  );
}

interface ControlAttributes {
  readonly id: string;
  readonly 'aria-describedby': string | undefined;
  readonly 'aria-invalid': true | undefined;
}

function Control({ field, value, onChange, control }: Props & { control: ControlAttributes }) {
  const fallback = plain(field.fallback);
  switch (field.kind) {
    case 'video':
      return <VideoPicker control={control} chosen={typeof value === 'string' && value !== '' ? [value] : []} onChange={(ids) => onChange(ids.at(-1) ?? '')} />;
    case 'videos':
      return <VideoPicker control={control} many chosen={Array.isArray(value) ? value : []} onChange={onChange} />;
    case 'boolean':
      return <input {...control} type="checkbox" checked={typeof value === 'boolean' ? value : field.fallback === true} onChange={(event) => onChange(event.currentTarget.checked)} />;
    case 'choice':
      return (
        <select {...control} value={typeof value === 'string' && value !== '' ? value : fallback} onChange={(event) => onChange(event.currentTarget.value)}>
          {fallback === '' && <option value="">Not set</option>}
          {field.choices.map((choice) => <option key={choice} value={choice}>{choice}</option>)}
        </select>
      );
    case 'json':
      return <textarea {...control} rows={3} spellcheck={false} placeholder="JSON" value={text(value)} onInput={(event) => onChange(event.currentTarget.value)} />;
    case 'integer': case 'number':
      return <input {...control} inputMode={field.kind === 'integer' ? 'numeric' : 'decimal'} placeholder={fallback} value={text(value)} onInput={(event) => onChange(event.currentTarget.value)} />;
    case 'text': break;
  }
  return <input {...control} type="text" placeholder={fallback} value={text(value)} onInput={(event) => onChange(event.currentTarget.value)} />;
}

const plain = (value: unknown): string => (value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value));
const text = (value: Value | undefined): string => (typeof value === 'string' ? value : '');

function hintOf(field: Field): string {
  const range = (field.kind === 'integer' || field.kind === 'number') && (field.min !== null || field.max !== null) ? rangeOf(field) : null;
  const standard = field.fallback === undefined || field.kind === 'boolean' ? null : `${plain(field.fallback)} when left empty`;
  const limits = [range, field.unit].filter((part) => part !== null).join(' ');
  return [field.help, limits === '' ? null : limits, field.kind === 'choice' ? null : standard].filter((part) => part !== null).join('. ');
}
