/** How much is done and in which course: from the environment, so that a failure can be played again. */
import { Randomness } from '../../kit/random.ts';

/** REELAY_TORTURE_SEED: the course. Printed with each failure. */
export const SEED = Number(process.env['REELAY_TORTURE_SEED'] ?? 1);
/** REELAY_TORTURE_ROUNDS: the share of the full counts, 1 = all. */
const SHARE = Number(process.env['REELAY_TORTURE_ROUNDS'] ?? 1);
/** REELAY_TORTURE_ONLY: the one case to play, by its id. */
const ONLY = process.env['REELAY_TORTURE_ONLY'];

/** Ids of the cases of one part: `children-0017`. */
export const casesOf = (part: string, full: number, share = SHARE): string[] =>
  Array.from({ length: Math.max(1, Math.round(full * share)) }, (_, n) => `${part}-${String(n).padStart(4, '0')}`).filter((id) => ONLY === undefined || id === ONLY);

export const randomOf = (id: string): Randomness => new Randomness(SEED).branch(id);

/** Plays all cases, `lanes` at a time. @returns what is wrong, one line each */
export const inLanes = async (lanes: number, ids: readonly string[], play: (id: string, lane: number) => Promise<string[]>): Promise<string[]> => {
  const rest = [...ids];
  const wrong: string[] = [];
  const lane = async (number: number): Promise<void> => {
    for (let id = rest.shift(); id !== undefined; id = rest.shift()) wrong.push(...(await play(id, number)));
  };
  await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)));
  return wrong;
};
