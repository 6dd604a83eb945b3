import type { CatalogueItem, JobType, Video } from '@reelay/contracts';
import type { ComponentChildren, RefObject } from 'preact';
import { useId, useState } from 'preact/hooks';
import { ParamField } from '../components/field.tsx';
import { Note } from '../components/notice.tsx';
import { megabytes } from '../model/format.ts';
import type { Field, FormValues } from '../model/schema-form.ts';
import { errorsByField, paramsOf, valuesOf } from '../model/schema-form.ts';
import { RESOURCE, isType } from '../model/words.ts';
import { closeDialog } from '../store/dialogs.ts';
import { JsonEditor, parseParams } from './json-editor.tsx';
import { PrioritySlider } from './priority.tsx';

interface Props {
  readonly form: RefObject<HTMLFormElement>;
  readonly catalogue: readonly CatalogueItem[];
  readonly item: CatalogueItem | undefined;
  readonly fields: readonly Field[];
  readonly values: FormValues;
  readonly priority: number;
  readonly errors: Readonly<Record<string, string>>;
  readonly busy: boolean;
  /** The type and the video are given: only the options are asked. */
  readonly fixed: boolean;
  readonly video: Video | null;
  readonly notice: ComponentChildren;
  readonly onType: (type: JobType) => void;
  readonly onValues: (values: FormValues) => void;
  readonly onPriority: (priority: number) => void;
  readonly onErrors: (errors: Record<string, string>) => void;
  readonly onCreate: (params: Record<string, unknown>) => void;
}

export function JobForm(props: Props) {
  const { fields, values, item, fixed, video } = props;
  const [json, setJson] = useState<string | null>(null);
  const names = fields.map(({ name }) => name);

  const submit = (): void => {
    const read = json === null ? paramsOf(fields, values) : parseParams(json);
    if (read.errors.length > 0) props.onErrors(errorsByField(read.errors, json === null ? names : ['json']));
    else props.onCreate(read.params);
  };
  const toggleJson = (): void => {
    props.onErrors({});
    if (json === null) {
      setJson(JSON.stringify(paramsOf(fields, values).params, null, 2));
      return;
    }
    const read = parseParams(json);
    if (read.errors.length > 0) props.onErrors(errorsByField(read.errors, ['json']));
    else {
      props.onValues(valuesOf(fields, read.params).values);
      setJson(null);
    }
  };
  return (
    <form ref={props.form} noValidate onSubmit={(event) => {
      event.preventDefault();
      submit();
    }}>
      <div class="dialog-body">
        {props.notice}
        {fixed ? <p>For <strong>{video?.title}</strong>. {item?.description}.</p> : <TypeField {...props} />}
        {item?.available === false && <Note tone="warning">This type is not in this release yet.</Note>}
        {json === null ? <Params {...props} /> : <JsonEditor text={json} error={jsonError(props.errors)} onChange={setJson} />}
        <button type="button" class="link-button" onClick={toggleJson}>{json === null ? 'Edit the parameters as JSON' : 'Back to the form'}</button>
        <PrioritySlider value={props.priority} onChange={props.onPriority} />
      </div>
      <footer>
        {item !== undefined && <span class="muted small grow">Runs on {RESOURCE[item.category]}{item.vramMb > 0 && `, books ${megabytes(item.vramMb)} of VRAM`}</span>}
        <button type="button" class="button" onClick={closeDialog}>Close</button>
        <button type="submit" class="button primary" disabled={props.busy || item?.available !== true}>{props.busy ? 'Creating' : 'Create'}</button>
      </footer>
    </form>
  );
}

/** In the editor every field's error is shown in the one place there is. */
function jsonError(errors: Props['errors']): string | undefined {
  const found = Object.entries(errors).filter(([name]) => name !== '').map(([name, message]) => (name === 'json' ? message : `${name}: ${message}`));
  return found.length === 0 ? undefined : found.join('; ');
}

const option = (entry: CatalogueItem) => <option key={entry.type} value={entry.type} disabled={!entry.available}>{entry.title}</option>;

function TypeField({ catalogue, item, onType }: Props) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>Type</label>
      <select id={id} aria-describedby={`${id}-hint`} autofocus value={item?.type ?? ''} onChange={({ currentTarget: { value } }) => isType(value) && onType(value)}>
        {catalogue.filter((entry) => entry.available).map(option)}
        <optgroup label="Not in this release yet">{catalogue.filter((entry) => !entry.available).map(option)}</optgroup>
      </select>
      <small id={`${id}-hint`} class="muted">{item?.description}</small>
    </div>
  );
}

/** With the video given, what names an input is not asked again. */
const GIVEN: ReadonlySet<string> = new Set(['videoId', 'inputPath']);

function Params({ fields, fixed, values, errors, onValues }: Props) {
  return (
    <div class="params">
      {fields.filter(({ name }) => !fixed || !GIVEN.has(name)).map((field) => (
        <ParamField key={field.name} field={field} value={values[field.name]} error={errors[field.name]} onChange={(value) => onValues({ ...values, [field.name]: value })} />
      ))}
    </div>
  );
}
