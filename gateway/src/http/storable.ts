import { HttpProblem } from './problem.ts';

/** A NUL, or half of a surrogate pair: JSON and query strings can carry them, Postgres cannot. */
const UNSTORABLE = /\u0000|\p{Surrogate}/u;
const MESSAGE = 'holds a NUL character, or half of a character';

/** Where in a parsed value the first such text is, as a dotted path; null when there is none. */
const findUnstorable = (value: unknown, path: readonly string[]): string | null => {
  if (typeof value === 'string') return UNSTORABLE.test(value) ? path.join('.') : null;
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, inner] of Object.entries(value)) {
    // A bad key is told by the path of what holds it.
    const found = UNSTORABLE.test(key) ? path.join('.') : findUnstorable(inner, [...path, key]);
    if (found !== null) return found;
  }
  return null;
};

/** @throws HttpProblem invalid_parameter */
export const refuseUnstorable = (value: unknown): void => {
  const path = findUnstorable(value, []);
  if (path === null) return;
  throw new HttpProblem('invalid_parameter', path === '' ? `The request ${MESSAGE}` : `${path}: ${MESSAGE}`, { errors: [{ path, message: MESSAGE }] });
};
