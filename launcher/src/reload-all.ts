import { type Accepted, type Clock, type Logger, newId, type ReloadAnswer, ReloadAsker, ReelayError, systemClock } from '@reelay/runtime';
import type { Proc } from '@reelay/runtime/supervisor';

/** A service refuses the configuration, or does not answer: nothing has changed anywhere. */
class ServicesRefused extends ReelayError {
  readonly code = 'reload_refused';
  constructor(problems: readonly string[]) {
    super(problems.join('; '), { problems });
  }
}

const ANSWER_MS = 5_000;

interface Talk {
  proc: Proc;
  asker: ReloadAsker;
}
type Answers = ReadonlyMap<string, ReloadAnswer | 'silent' | 'gone'>;

/**
 * Reloads the services as one.
 *
 *   prepare() ── every service that runs checks the files ──all accept──▶ commit(): each changes
 *                                                         └──one refuses──▶ the others drop it
 *
 * A service that is being started again meanwhile reads the files anyway.
 */
export class ReloadAll {
  readonly #talks = new Map<string, Talk>();
  readonly #logger: Logger;
  readonly #clock: Clock;

  constructor(logger: Logger, clock: Clock = systemClock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  /** A process of the service was started; it takes the place of the one before. */
  attach(name: string, proc: Proc): void {
    this.#talks.set(name, { proc, asker: new ReloadAsker(proc) });
  }

  /** @throws ServicesRefused */
  async prepare(): Promise<Accepted> {
    const id = newId();
    const answers = await this.#ask('prepare', id);
    const problems = problemsIn(answers);
    if (problems.length > 0) {
      for (const { asker } of this.#talks.values()) asker.drop(id);
      throw new ServicesRefused(problems);
    }
    const named = (list: 'changed' | 'needsRestart' | 'withoutEffect'): string[] =>
      [...answers].flatMap(([name, answer]) => (typeof answer === 'object' && answer.reloadAnswer === 'prepared' ? answer[list].map((setting) => `${name}: ${setting}`) : []));
    return {
      changed: named('changed'), needsRestart: named('needsRestart'), withoutEffect: named('withoutEffect'),
      commit: () => void this.#commit(id),
    };
  }

  async #commit(id: string): Promise<void> {
    const problems = problemsIn(await this.#ask('commit', id));
    if (problems.length > 0) this.#logger.error({ problems }, 'not every service has taken the new settings');
  }

  async #ask(step: 'prepare' | 'commit', id: string): Promise<Answers> {
    const running = [...this.#talks].filter(([, { proc }]) => proc.alive);
    return new Map(await Promise.all(running.map(async ([name, { proc, asker }]) => {
      const gone = proc.exit.then(() => 'gone' as const);
      return [name, (await Promise.race([asker.ask(step, id, ANSWER_MS, this.#clock), gone])) ?? (proc.alive ? 'silent' : 'gone')] as const;
    })));
  }
}

function problemsIn(answers: Answers): string[] {
  return [...answers].flatMap(([name, answer]) => {
    if (answer === 'gone') return [];
    if (answer === 'silent') return [`${name} does not answer`];
    return answer.reloadAnswer === 'refused' ? answer.problems.map((problem) => `${name}: ${problem}`) : [];
  });
}
