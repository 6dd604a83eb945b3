import { JobFailed } from '@reelay/job-types/agent';
import type { Clock } from '@reelay/runtime';
import { z } from 'zod';
import { HubRefused, readText, refusalOf, send } from './hub-http.ts';
import { repeat } from './repeat.ts';

export interface EffectsOptions {
  /** Absolute; the number of the batch is appended. */
  url: string;
  clock: Clock;
  signal: AbortSignal;
  /** Resolves when the hub knows that the attempt runs; before, it would refuse its effects. */
  started: Promise<void>;
  alive: () => void;
}

const MAX_BYTES = 512 * 1024;
const replySchema = z.record(z.string(), z.unknown());

/** Sends effect batches one after the other, numbered from 0; the hub applies each number once. */
export class Effects {
  readonly #options: EffectsOptions;
  #next = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: EffectsOptions) {
    this.#options = options;
  }

  /** Resolves with the hub's reply. @throws JobFailed when the hub refuses it */
  send(body: Record<string, unknown>): Promise<Record<string, unknown>> {
    const bytes = Buffer.from(JSON.stringify(body));
    if (bytes.length > MAX_BYTES) throw new JobFailed('effects_too_large', `An effect batch has ${bytes.length} bytes; ${MAX_BYTES} are allowed.`, false);
    const n = this.#next;
    this.#next += 1;
    const sent = this.#last.then(() => this.#post(n, bytes));
    this.#last = sent.catch(() => {});
    return sent;
  }

  async #post(n: number, body: Buffer): Promise<Record<string, unknown>> {
    const { url, clock, signal, started, alive } = this.#options;
    await started;
    try {
      return await repeat(
        async () => {
          const response = await send({ method: 'POST', url: `${url}/${n}`, headers: { 'content-type': 'application/json' }, body, signal });
          if ((response.statusCode ?? 0) >= 300) throw await refusalOf(response);
          alive();
          return replySchema.parse(JSON.parse(await readText(response)));
        },
        { clock, signal, onWait: () => alive() },
      );
    } catch (error) {
      if (!(error instanceof HubRefused)) throw error;
      throw new JobFailed(error.problemCode ?? 'effects_refused', `The hub refused what the job found: ${error.message}.`, error.status === 409, { cause: error });
    }
  }
}
