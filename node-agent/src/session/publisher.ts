import { createHash } from 'node:crypto';
import type { Clock } from '@reelay/runtime';
import { ReelayError } from '@reelay/runtime';
import { readText, refusalOf, send } from '../job/hub-http.ts';
import { repeat } from '../job/repeat.ts';

/** The gateway does not want this head's segments any more; `whole` when the session is over there. */
export class NotWanted extends ReelayError {
  readonly code = 'not_wanted';
  readonly whole: boolean;
  constructor(whole: boolean) {
    super(whole ? 'the gateway closed the session' : 'nobody waits for these segments', { whole });
    this.whole = whole;
  }
}

export interface PublisherOptions {
  /** `<gatewayUrl><publishPath>/<headId>`. */
  baseUrl: string;
  clock: Clock;
  signal: AbortSignal;
}

const TRIES = 4;
const CONFLICT = 409;
const GONE = 410;

/** Sends whole pieces to the gateway, each with its length and digest, so that half of one never counts. */
export class Publisher {
  readonly #options: PublisherOptions;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** `name` is `init` or a segment's number. @throws NotWanted, HubRefused, or the network's error after several tries */
  async publish(name: string, bytes: Uint8Array): Promise<void> {
    const { baseUrl, clock, signal } = this.#options;
    const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const digest = createHash('sha256').update(body).digest('base64');
    await repeat(
      async () => {
        const response = await send({ method: 'PUT', url: `${baseUrl}/${name}`, headers: { 'content-type': 'video/mp4', 'repr-digest': `sha-256=:${digest}:` }, body, signal });
        if (response.statusCode === CONFLICT || response.statusCode === GONE) {
          response.resume();
          throw new NotWanted(response.statusCode === GONE);
        }
        if (response.statusCode !== 200) throw await refusalOf(response);
        await readText(response);
      },
      { clock, signal, tries: TRIES, onWait: () => {} },
    );
  }
}
