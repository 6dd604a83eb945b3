/** Values of options, checked while the command line is read. */
import { InvalidArgumentError, Option } from 'commander';

/** A whole number within limits. */
export const wholeNumber = (least: number, most: number) => (text: string): number => {
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || value < least || value > most) throw new InvalidArgumentError(most === Number.MAX_SAFE_INTEGER ? `Expected a whole number from ${least} on.` : `Expected a whole number from ${least} to ${most}.`);
  return value;
};

/** Seconds, such as 30, 0.5, 5m or 1h, as a number of seconds. */
export const seconds = (text: string): number => {
  const found = /^(\d+(?:\.\d+)?)(s|m|h)?$/.exec(text);
  if (found === null) throw new InvalidArgumentError('Expected a time such as 30, 90s, 5m or 1h.');
  return Number(found[1]) * (found[2] === 'h' ? 3600 : found[2] === 'm' ? 60 : 1);
};

const listOf = <T extends string>(known: readonly T[]) => (text: string, before: T[] | undefined): T[] => [
  ...(before ?? []),
  ...text.split(',').map((word) => {
    const found = known.find((one) => one === word.trim());
    if (found === undefined) throw new InvalidArgumentError(`${word.trim() || 'Nothing'} is none of ${known.join(', ')}.`);
    return found;
  }),
];

/** `name=value` pairs; may be given more than once. */
export const pairs = (text: string, before: [string, string][] | undefined): [string, string][] => {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Expected name=value.');
  return [...(before ?? []), [text.slice(0, at), text.slice(at + 1)]];
};

/** An option that takes several of a known set of words, separated by commas; it may be given more than once. */
export const listOption = (flags: string, description: string, known: readonly string[]): Option => new Option(flags, description).choices(known).argParser(listOf(known));
