import { ConfigError, mergeReloaded, readSettings, type Settings, type SettingsDefinition, type SettingsDifference, type SettingsSource } from './config.ts';
import { type Clock, systemClock } from './clock.ts';
import { ReelayError, toError } from './errors.ts';
import type { Logger } from './log.ts';

/** Another reload took effect between this one's check and its commit: it is to be checked anew. */
class ReloadOutdated extends ReelayError {
  readonly code = 'reload_outdated';
  constructor() {
    super('another reload took effect meanwhile');
  }
}

/** What one part of the process answers when it is asked about new settings. */
export interface Accepted {
  /** What changed behind a setting that is the same, such as the content of a file; in words, never a secret. */
  changed?: readonly string[];
  needsRestart?: readonly string[];
  withoutEffect?: readonly string[];
  /** Makes the new settings count. Synchronous, and must not throw: the others have changed already. */
  commit?: () => void;
}

/** Checks whether it can work with the next settings, and changes nothing yet. Throwing refuses the reload. */
export type SettingsUser<D extends SettingsDefinition> = (next: Settings<D>, current: Settings<D>) => Accepted | undefined | Promise<Accepted | undefined>;

/** A reload that everybody has accepted. */
export interface Proposal extends SettingsDifference {
  /** @throws ReloadOutdated */
  commit: () => void;
}

export interface ReloadStats {
  /** Reloads that changed something, that found nothing new, and that were refused. */
  readonly changed: number;
  readonly unchanged: number;
  readonly refused: number;
  /** When settings were last read with success, the start included. */
  readonly loadedAt: Date;
  readonly lastRefused: boolean;
}

export interface LiveSettingsOptions<D extends SettingsDefinition> extends SettingsSource<D> {
  logger: Logger;
  clock?: Clock | undefined;
}

/**
 * The settings of a running process, and how they change while it runs.
 *
 *   current ──prepare(): file and environment read, validated, merged; every user asked──▶ proposed ──commit()──▶ current
 *      ▲                        └── one of them refuses: nothing has changed                  └── outdated: refused
 *      └──────────────────────────────────────┘
 */
export class LiveSettings<D extends SettingsDefinition> {
  /** Reads through to the current settings, so it may be kept; what is taken out of it may not. */
  readonly values: Settings<D>;
  readonly #definition: D;
  readonly #options: LiveSettingsOptions<D>;
  readonly #clock: Clock;
  readonly #users = new Set<SettingsUser<D>>();
  readonly #counts = { changed: 0, unchanged: 0, refused: 0 };
  #current: Settings<D>;
  #loadedAt: Date;
  #lastRefused = false;

  /** @throws ConfigError */
  constructor(definition: D, options: LiveSettingsOptions<D>) {
    this.#definition = definition;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#current = readSettings(definition, options);
    this.#loadedAt = this.#clock.now();
    const view = {};
    for (const name of Object.keys(definition)) Object.defineProperty(view, name, { enumerable: true, get: () => this.#current[name] });
    this.values = Object.freeze(view) as Settings<D>;
  }

  /** The settings of this moment, frozen. */
  get current(): Settings<D> {
    return this.#current;
  }

  get stats(): ReloadStats {
    return { ...this.#counts, loadedAt: this.#loadedAt, lastRefused: this.#lastRefused };
  }

  /** From now on `user` is asked at each reload. Returns how to end that. */
  use(user: SettingsUser<D>): () => void {
    this.#users.add(user);
    return () => {
      this.#users.delete(user);
    };
  }

  /** Checks a reload completely and changes nothing. @throws ConfigError with all problems, or what a user of the settings throws */
  async prepare(): Promise<Proposal> {
    const before = this.#current;
    try {
      const { settings, changed, needsRestart, withoutEffect } = mergeReloaded(this.#definition, before, readSettings(this.#definition, this.#options));
      // What stays as it is until a restart must fit what changes now.
      const problems = this.#options.check?.(settings) ?? [];
      if (problems.length > 0) throw new ConfigError(problems);
      const accepted = (await Promise.all([...this.#users].map(async (user) => user(settings, before)))).filter((answer) => answer !== undefined);
      const told = (list: keyof SettingsDifference): readonly string[] => accepted.flatMap((answer) => answer[list] ?? []);
      const difference = {
        changed: [...changed, ...told('changed')], needsRestart: [...needsRestart, ...told('needsRestart')], withoutEffect: [...withoutEffect, ...told('withoutEffect')],
      };
      return { ...difference, commit: () => this.#commit(before, settings, accepted, difference) };
    } catch (thrown) {
      this.#refused();
      throw thrown;
    }
  }

  /** Prepares and commits. @throws as they do */
  async reload(): Promise<SettingsDifference> {
    const { commit, ...difference } = await this.prepare();
    commit();
    return difference;
  }

  /** Prepared, but somebody else refused: it is counted as refused. */
  drop(): void {
    this.#refused();
  }

  #commit(before: Settings<D>, settings: Settings<D>, accepted: readonly Accepted[], difference: SettingsDifference): void {
    if (this.#current !== before) {
      this.#refused();
      throw new ReloadOutdated();
    }
    this.#current = settings;
    for (const { commit } of accepted) {
      try {
        commit?.();
      } catch (thrown) {
        this.#options.logger.error({ err: toError(thrown) }, 'a new setting did not take effect');
      }
    }
    this.#counts[difference.changed.length > 0 ? 'changed' : 'unchanged'] += 1;
    this.#loadedAt = this.#clock.now();
    this.#lastRefused = false;
  }

  #refused(): void {
    this.#counts.refused += 1;
    this.#lastRefused = true;
  }
}
