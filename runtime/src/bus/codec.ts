import type { z } from 'zod';
import { BadMessage } from './errors.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export function encode(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value ?? null));
}

/** @throws BadMessage when it is not UTF-8 JSON or not what the schema says; the content is not quoted */
export function decode<T>(subject: string, data: Uint8Array, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(data));
  } catch {
    throw new BadMessage(subject, 'it is not JSON');
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.slice(0, 5).map((issue) => `${issue.path.join('.') || 'message'}: ${issue.message}`);
  throw new BadMessage(subject, problems.join('; '));
}
