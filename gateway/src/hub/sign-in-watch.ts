import { type Clock, type Ctx, errorCode, type Logger, type Service } from '@reelay/runtime';
import { rolesOfTokens, type Sql } from '@reelay/store';
import type { Hub } from './hub.ts';

const EVERY_MS = 10_000;

/** Ends the streams of those who signed out, were removed, or got another role: one question for all of them. */
export class SignInWatch implements Service {
  readonly name = 'sign-in watch';
  readonly #deps: { sql: Sql; hub: Hub; clock: Clock; logger: Logger };
  #end: (() => void) | undefined;
  #running: Promise<void> | undefined;

  constructor(deps: { sql: Sql; hub: Hub; clock: Clock; logger: Logger }) {
    this.#deps = deps;
  }

  async start(_ctx: Ctx): Promise<void> {
    this.#end = this.#deps.clock.every(EVERY_MS, () => {
      this.check().catch((error: unknown) => this.#deps.logger.warn({ code: errorCode(error) }, 'sign-ins of listeners not checked'));
    });
  }

  async stop(): Promise<void> {
    this.#end?.();
    await this.#running?.catch(() => undefined);
  }

  check(): Promise<void> {
    this.#running ??= this.#check().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #check(): Promise<void> {
    const { sql, hub } = this.#deps;
    const asked = hub.tokenIds();
    if (asked.length > 0) hub.keepSignedIn(new Set(asked), await rolesOfTokens(sql, asked));
  }
}
