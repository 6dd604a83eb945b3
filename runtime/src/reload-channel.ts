// How a parent reloads several services as one: each checks first, and only when all accept do they change.
//
//   parent ──prepare──▶ service: prepared | refused      all prepared ──commit──▶ done
//                                                        one refused, or silent ──drop──▶ nothing has changed
import { z } from 'zod';
import { type Clock, systemClock } from './clock.ts';
import { ConfigError, type SettingsDefinition } from './config.ts';
import { errorCode, toError } from './errors.ts';
import type { LiveSettings, Proposal } from './live-settings.ts';
import type { Logger } from './log.ts';

/** A service drops what its parent does not decide in this time. */
const UNDECIDED_MS = 15_000;

const requestSchema = z.object({ reload: z.enum(['prepare', 'commit', 'drop']), id: z.string() });
type Request = z.infer<typeof requestSchema>;
const names = z.array(z.string());
const answerSchema = z.discriminatedUnion('reloadAnswer', [
  z.object({ reloadAnswer: z.literal('prepared'), id: z.string(), changed: names, needsRestart: names, withoutEffect: names }),
  z.object({ reloadAnswer: z.literal('refused'), id: z.string(), problems: names }),
  z.object({ reloadAnswer: z.literal('done'), id: z.string() }),
]);
export type ReloadAnswer = z.infer<typeof answerSchema>;

/** Where messages of the parent come from and answers go to: `process`, or a stand-in. */
interface ParentChannel {
  on(event: 'message', listener: (message: unknown) => void): unknown;
  send?: ((message: object, callback: () => void) => unknown) | undefined;
}

/** All faults of a refused reload, one a text. */
export function reloadProblems(thrown: unknown): string[] {
  if (thrown instanceof ConfigError) return thrown.problems.map(({ name, message }) => `${name}: ${message}`);
  return [toError(thrown).message];
}

/** Answers a parent that reloads several services at once. */
export function answerReloads<D extends SettingsDefinition>(channel: ParentChannel, live: LiveSettings<D>, logger: Logger, clock: Clock = systemClock): void {
  let pending: { id: string; proposal: Proposal; callOff: () => void } | null = null;
  const answer = (message: ReloadAnswer): void => void channel.send?.(message, () => {});
  const take = (id: string): Proposal | null => {
    const taken = pending?.id === id ? pending : null;
    if (taken) pending = null;
    taken?.callOff();
    return taken?.proposal ?? null;
  };
  const drop = (id: string): void => {
    if (take(id)) live.drop();
  };
  const prepare = async (id: string): Promise<void> => {
    if (pending) drop(pending.id);
    const proposal = await live.prepare();
    pending = { id, proposal, callOff: clock.after(UNDECIDED_MS, () => drop(id)) };
    const { changed, needsRestart, withoutEffect } = proposal;
    answer({ reloadAnswer: 'prepared', id, changed: [...changed], needsRestart: [...needsRestart], withoutEffect: [...withoutEffect] });
  };
  const commit = async (id: string): Promise<void> => {
    const proposal = take(id);
    if (!proposal) throw new TypeError('nothing is prepared');
    proposal.commit();
    logger.debug({ changed: proposal.changed }, 'settings reloaded');
    answer({ reloadAnswer: 'done', id });
  };
  const steps: Record<Request['reload'], (id: string) => Promise<void>> = { prepare, commit, drop: async (id) => drop(id) };
  channel.on('message', (message) => {
    const parsed = requestSchema.safeParse(message);
    if (!parsed.success) return;
    const { reload, id } = parsed.data;
    steps[reload](id).catch((thrown: unknown) => {
      logger.debug({ step: reload, code: errorCode(thrown) }, 'reload refused');
      answer({ reloadAnswer: 'refused', id, problems: reloadProblems(thrown) });
    });
  });
}

/** A service seen from its parent. */
export interface ReloadableChild {
  send(message: object): boolean;
  onMessage(fn: (message: unknown) => void): void;
}

/** Asks one service, over its message channel. One per process of the service. */
export class ReloadAsker {
  readonly #child: ReloadableChild;
  readonly #waiting = new Map<string, (answer: ReloadAnswer) => void>();

  constructor(child: ReloadableChild) {
    this.#child = child;
    child.onMessage((message) => {
      const parsed = answerSchema.safeParse(message);
      if (parsed.success) this.#waiting.get(parsed.data.id)?.(parsed.data);
    });
  }

  /** Null: no answer within `limitMs`, or the process is gone. */
  ask(step: 'prepare' | 'commit', id: string, limitMs: number, clock: Clock): Promise<ReloadAnswer | null> {
    return new Promise((resolve) => {
      const finish = (answer: ReloadAnswer | null): void => {
        this.#waiting.delete(id);
        callOff();
        resolve(answer);
      };
      const callOff = clock.after(limitMs, () => finish(null));
      this.#waiting.set(id, finish);
      if (!this.#child.send({ reload: step, id } satisfies Request)) finish(null);
    });
  }

  /** Nothing is to change after all. */
  drop(id: string): void {
    this.#child.send({ reload: 'drop', id } satisfies Request);
  }
}
