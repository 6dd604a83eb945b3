/** A job type's JSON Schema → form fields, and what was typed → params. Values equal to the default are left out. */

type FieldKind = 'video' | 'videos' | 'boolean' | 'integer' | 'number' | 'choice' | 'text' | 'json';

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly kind: FieldKind;
  readonly required: boolean;
  readonly fallback: unknown;
  readonly choices: readonly string[];
  readonly min: number | null;
  readonly max: number | null;
  readonly unit: string | null;
  readonly help: string | null;
  readonly pattern: string | null;
}

/** One entry per field: the text typed, a checkbox's state, or chosen video ids. An absent entry means untouched. */
export type FormValues = Readonly<Record<string, string | boolean | readonly string[]>>;
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

type Schema = Readonly<Record<string, unknown>>;
const isRecord = (value: unknown): value is Schema => typeof value === 'object' && value !== null && !Array.isArray(value);
const numberOr = (value: unknown): number | null => (typeof value === 'number' && Math.abs(value) < Number.MAX_SAFE_INTEGER ? value : null);
const textOr = (value: unknown): string | null => (typeof value === 'string' ? value : null);

const SHORT_FORMS = /\b(crf|fps|vram|id)\b/g;

/** camelCase → "Camel case". */
export const labelOf = (name: string): string => {
  const spaced = name.replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase().replaceAll(SHORT_FORMS, (word) => word.toUpperCase());
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
};

export function fieldsOf(schema: Schema): Field[] {
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  const properties = isRecord(schema['properties']) ? schema['properties'] : {};
  return Object.entries(properties).flatMap(([name, property]) => (isRecord(property) ? [fieldOf(name, property, required.includes(name))] : []));
}

function fieldOf(name: string, property: Schema, required: boolean): Field {
  const kind = kindOf(property);
  return {
    name, kind, required,
    label: textOr(property['title']) ?? (kind === 'videos' ? 'Videos' : labelOf(name)),
    fallback: property['default'],
    choices: Array.isArray(property['enum']) ? property['enum'].filter((value) => typeof value === 'string') : [],
    min: numberOr(property['minimum'] ?? property['minItems']),
    max: numberOr(property['maximum'] ?? property['maxItems']),
    unit: textOr(property['unit']),
    help: textOr(property['description']),
    pattern: kind === 'text' ? textOr(property['pattern']) : null,
  };
}

function kindOf(property: Schema): FieldKind {
  if (property['format'] === 'video-id') return 'video';
  if (Array.isArray(property['enum'])) return 'choice';
  const items = property['items'];
  if (property['type'] === 'array') return isRecord(items) && items['format'] === 'video-id' ? 'videos' : 'json';
  switch (property['type']) {
    case 'boolean': return 'boolean';
    case 'integer': return 'integer';
    case 'number': return 'number';
    case 'string': return 'text';
    default: return 'json';
  }
}

/** Params to send, and what the form itself can already tell is wrong. */
export function paramsOf(fields: readonly Field[], values: FormValues): { params: Record<string, unknown>; errors: FieldError[] } {
  const params: Record<string, unknown> = {};
  const errors: FieldError[] = [];
  for (const field of fields) {
    const result = readField(field, values[field.name]);
    if ('error' in result) errors.push({ path: field.name, message: result.error });
    else if (result.value !== undefined && JSON.stringify(result.value) !== JSON.stringify(field.fallback)) params[field.name] = result.value;
  }
  return { params, errors };
}

type Read = { value: unknown } | { error: string };

function readField(field: Field, raw: FormValues[string] | undefined): Read {
  const empty = raw === undefined || raw === '' || (Array.isArray(raw) && raw.length === 0);
  if (empty) return field.required ? { error: field.kind === 'video' ? 'Choose a video' : 'This is needed' } : { value: undefined };
  if (field.kind === 'integer' || field.kind === 'number') return readNumber(field, String(raw));
  if (field.kind === 'json') return readJson(String(raw));
  if (field.kind === 'videos' && Array.isArray(raw)) return outside(field, raw.length) ? { error: `Choose ${rangeOf(field)} videos` } : { value: raw };
  if (field.pattern !== null && !new RegExp(field.pattern).test(String(raw))) return { error: 'This form is not accepted here' };
  return { value: raw };
}

function readNumber(field: Field, raw: string): Read {
  const value = Number(raw.trim().replace(',', '.'));
  if (!Number.isFinite(value)) return { error: 'Give a number' };
  if (field.kind === 'integer' && !Number.isInteger(value)) return { error: 'Give a whole number' };
  return outside(field, value) ? { error: `Give ${rangeOf(field)}` } : { value };
}

function readJson(raw: string): Read {
  try {
    const value: unknown = JSON.parse(raw);
    return { value };
  } catch {
    return { error: 'This is not valid JSON' };
  }
}

const outside = (field: Field, value: number): boolean => (field.min !== null && value < field.min) || (field.max !== null && value > field.max);

const shown = (value: number): string => value.toLocaleString('en');

export function rangeOf({ min, max }: Pick<Field, 'min' | 'max'>): string {
  if (min !== null && max !== null) return min === max ? `exactly ${shown(min)}` : `${shown(min)} to ${shown(max)}`;
  if (min !== null) return `at least ${shown(min)}`;
  return max === null ? '' : `at most ${shown(max)}`;
}

/** The other way round, for switching back from the JSON editor. Keys the schema does not have stay in `rest`. */
export function valuesOf(fields: readonly Field[], params: Schema): { values: Record<string, string | boolean | readonly string[]>; rest: string[] } {
  const values: Record<string, string | boolean | readonly string[]> = {};
  for (const field of fields) {
    const value = params[field.name];
    if (value === undefined) continue;
    if (typeof value === 'string' || typeof value === 'boolean') values[field.name] = value;
    else if (field.kind === 'videos' && Array.isArray(value)) values[field.name] = value.filter((id) => typeof id === 'string');
    else values[field.name] = JSON.stringify(value);
  }
  return { values, rest: Object.keys(params).filter((name) => !fields.some((field) => field.name === name)) };
}

/**
 * The server's errors by field: `params.crf`, `/params/crf` and `crf` are the same field. `''` collects what belongs to none.
 */
export function errorsByField(errors: readonly FieldError[], names: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { path, message } of errors) {
    const name = path.split(/[./[\]]+/).find((step) => step !== '' && step !== 'params' && step !== 'body') ?? '';
    const key = names.includes(name) ? name : '';
    const text = key === '' && path !== '' ? `${path}: ${message}` : message;
    found[key] = found[key] === undefined ? text : `${found[key]}; ${text}`;
  }
  return found;
}
