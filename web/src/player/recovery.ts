/**
 * What to do about trouble while playing: a trouble and what was tried → the next step. Pure; player.ts takes the steps.
 *
 *   away        no answer: try again after 0.5, 0.5, 1, 1, 2, 3, 3 … s, for as long as the page is open
 *   busy        an answer that says "not now": the same, after the time it names
 *   encoding    the encode failed: once more when the server has forgotten it ──▶ stop
 *   decode      restart the decoder ─▶ restart it with the other sound codec ─▶ the next source ──▶ stop
 *   unsupported the next source ──▶ stop
 *   gone        the file changed: ask how to play now, twice ──▶ stop
 *   signed-out  sign in, and come back to the place
 *   forbidden   stop
 *
 * A stall is no trouble: the player waits, and says so (waiting.ts).
 */
export type Fault = 'away' | 'busy' | 'encoding' | 'decode' | 'unsupported' | 'gone' | 'signed-out' | 'forbidden';

export interface Trouble {
  readonly fault: Fault;
  /** The server's own sentence, when it gave one. */
  readonly sentence: string | null;
  readonly retryAfterSeconds: number | null;
}

export interface Tried {
  readonly retries: number;
  readonly recoveries: number;
  readonly reloads: number;
}
export const NOTHING_TRIED: Tried = { retries: 0, recoveries: 0, reloads: 0 };

export type Step =
  | { readonly do: 'retry'; readonly delayMs: number }
  | { readonly do: 'restart'; readonly swapAudio: boolean }
  | { readonly do: 'next-source' | 'ask-again' | 'sign-in' | 'stop' };

/** A gateway that is started anew answers after one to three seconds, so the first tries come close together. */
const RETRY_MS = [500, 500, 1000, 1000, 2000, 3000] as const;
const MOST_RECOVERIES = 2;
const MOST_RELOADS = 2;
/** The server answers a failed encode with its cause for 10 s. */
const ENCODING_RETRY_MS = 11_000;

/** `canSwitch`: there is another source for the same video. */
export function nextStep({ fault, retryAfterSeconds }: Trouble, tried: Tried, canSwitch: boolean): Step {
  const nextOrStop: Step = { do: canSwitch ? 'next-source' : 'stop' };
  switch (fault) {
    case 'away': return { do: 'retry', delayMs: retryDelayMs(tried.retries) };
    case 'busy': return { do: 'retry', delayMs: retryAfterSeconds === null ? retryDelayMs(tried.retries) : Math.min(30_000, Math.max(500, retryAfterSeconds * 1000)) };
    case 'encoding': return tried.retries === 0 ? { do: 'retry', delayMs: ENCODING_RETRY_MS } : { do: 'stop' };
    case 'decode': return tried.recoveries < MOST_RECOVERIES ? { do: 'restart', swapAudio: tried.recoveries > 0 } : nextOrStop;
    case 'unsupported': return nextOrStop;
    case 'gone': return { do: tried.reloads < MOST_RELOADS ? 'ask-again' : 'stop' };
    case 'signed-out': return { do: 'sign-in' };
    case 'forbidden': break;
  }
  return { do: 'stop' };
}

/** Delay before try number `retries`, counted from 0. */
export const retryDelayMs = (retries: number): number => RETRY_MS[Math.min(retries, RETRY_MS.length - 1)] ?? 3000;

export function afterStep(tried: Tried, step: Step): Tried {
  switch (step.do) {
    case 'retry': return { ...tried, retries: tried.retries + 1 };
    case 'restart': return { ...tried, recoveries: tried.recoveries + 1 };
    case 'next-source': return { ...tried, retries: 0, recoveries: 0 };
    case 'ask-again': return { ...tried, reloads: tried.reloads + 1 };
    case 'sign-in': case 'stop': break;
  }
  return tried;
}

type Help = 'try-again' | 're-encode' | 'validate';
/** One sentence for the viewer when playing ends, and what may help. */
export const SENTENCE: Readonly<Record<Fault, { readonly text: string; readonly help: Help }>> = {
  away: { text: 'Reelay does not answer. Check the connection, then try again.', help: 'try-again' },
  busy: { text: 'Reelay cannot play this now. Try again in a while.', help: 'try-again' },
  encoding: { text: 'The video could not be encoded for playing.', help: 're-encode' },
  decode: { text: 'This browser could not decode the video. “Re-encode for Streaming” makes a version that plays everywhere.', help: 're-encode' },
  unsupported: { text: 'This browser does not play this kind of file. “Re-encode for Streaming” makes a version that plays everywhere.', help: 're-encode' },
  gone: { text: 'The file is not where it was. “Validate Metadata” looks at it again.', help: 'validate' },
  'signed-out': { text: 'You are signed out.', help: 'try-again' },
  forbidden: { text: 'You may not watch this video.', help: 'try-again' },
};

/** Trouble of an answer; status 0 is no answer. `code` and `sentence` are the problem's. */
export function troubleOf(status: number, code: string | null = null, sentence: string | null = null, retryAfterSeconds: number | null = null): Trouble {
  return { fault: faultOf(status, code), sentence, retryAfterSeconds };
}

function faultOf(status: number, code: string | null): Fault {
  if (code === 'encoding_failed') return 'encoding';
  if (status === 401) return 'signed-out';
  if (status === 403) return 'forbidden';
  if (status === 404 || status === 410) return 'gone';
  if (status === 0) return 'away';
  return status >= 500 || status === 429 || status === 408 ? 'busy' : 'unsupported';
}
