/** Parameters of a job from the words of a command line; the catalogue says which of them are numbers. */
import { catalogueItems, type JobType } from '@reelay/contracts';
import { z } from 'zod';
import { UsageError } from '../../errors.ts';

const propertySchema = z.looseObject({ type: z.string().optional() });
const schemaSchema = z.looseObject({ properties: z.record(z.string(), propertySchema).default({}) });

/**
 * A word as the value it stands for: `5` for a number, `true` for a boolean, `a,b` or `["a","b"]` for a list. What
 * does not fit stays text, for the gateway to refuse in its own words.
 */
const valueOf = (text: string, kind: string | undefined): unknown => {
  if (kind === 'integer' || kind === 'number') return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
  if (kind === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  if (kind === 'array') return text.trimStart().startsWith('[') ? (jsonOr(text) ?? text) : text.split(',').map((part) => part.trim());
  if (kind === 'object') return jsonOr(text) ?? text;
  return text;
};

const jsonOr = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** `name=value` pairs, typed as the catalogue has them. A list may be given in several pairs. */
export const paramsFromPairs = (type: JobType, given: readonly (readonly [name: string, value: string])[]): Record<string, unknown> => {
  const { properties } = schemaSchema.parse(catalogueItems().find((item) => item.type === type)?.paramsSchema ?? {});
  const params: Record<string, unknown> = {};
  for (const [name, text] of given) {
    const value = valueOf(text, properties[name]?.type);
    const before = Object.hasOwn(params, name) ? params[name] : undefined;
    if (Array.isArray(before) && Array.isArray(value)) params[name] = [...before, ...value];
    else if (before !== undefined) throw new UsageError(`--param ${name}: given twice`);
    else Object.defineProperty(params, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return params;
};

/** A JSON object from an option or a file. @throws UsageError */
export const paramsFromJson = (text: string, source: string): Record<string, unknown> => {
  const parsed = z.record(z.string(), z.unknown()).safeParse(jsonOr(text));
  if (!parsed.success) throw new UsageError(`${source}: expected a JSON object, such as {"videoId": "…"}`);
  return parsed.data;
};
