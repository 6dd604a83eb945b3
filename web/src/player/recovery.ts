/**
 * What to do about a playback error: a fault and what was tried → the next step. Pure; player.ts takes the steps.
 *
 *   network      wait 1, 2, 4, 8 s and load on ──▶ stop
 *   decode       restart the decoder twice ─▶ the other way to play ──▶ stop
 *   unsupported  the other way to play ──▶ stop
 *   gone         ask how to play once more (the file was replaced) ──▶ stop
 *   signed-out   stop
 *
 * A stall is no fault: the player waits, and the browser shows it.
 */
export type Fault = 'network' | 'decode' | 'unsupported' | 'gone' | 'signed-out';

export interface Tried {
  readonly retries: number;
  readonly recoveries: number;
  readonly reloads: number;
  readonly switched: boolean;
}
export const NOTHING_TRIED: Tried = { retries: 0, recoveries: 0, reloads: 0, switched: false };

export type Step =
  | { readonly do: 'retry'; readonly delayMs: number }
  | { readonly do: 'recover' | 'switch' | 'reload' }
  | { readonly do: 'stop'; readonly fault: Fault };

const MOST_RETRIES = 4;
const MOST_RECOVERIES = 2;

export function nextStep(fault: Fault, tried: Tried, canSwitch: boolean): Step {
  const switchOrStop: Step = canSwitch && !tried.switched ? { do: 'switch' } : { do: 'stop', fault };
  switch (fault) {
    case 'network': return tried.retries < MOST_RETRIES ? { do: 'retry', delayMs: 1000 * 2 ** tried.retries } : { do: 'stop', fault };
    case 'decode': return tried.recoveries < MOST_RECOVERIES ? { do: 'recover' } : switchOrStop;
    case 'unsupported': return switchOrStop;
    case 'gone': return tried.reloads === 0 ? { do: 'reload' } : { do: 'stop', fault };
    case 'signed-out': break;
  }
  return { do: 'stop', fault };
}

export function afterStep(tried: Tried, step: Step): Tried {
  switch (step.do) {
    case 'retry': return { ...tried, retries: tried.retries + 1 };
    case 'recover': return { ...tried, recoveries: tried.recoveries + 1 };
    case 'switch': return { ...tried, switched: true, retries: 0, recoveries: 0 };
    case 'reload': return { ...tried, reloads: tried.reloads + 1 };
    case 'stop': break;
  }
  return tried;
}

/** One sentence for the viewer, and what may help. */
export const SENTENCE: Readonly<Record<Fault, { readonly text: string; readonly help: 'try-again' | 're-encode' | 'validate' | 'sign-in' }>> = {
  network: { text: 'The connection to Reelay broke. Check it, then try again.', help: 'try-again' },
  decode: { text: 'This browser could not decode the video. “Re-encode for Streaming” makes a version that plays everywhere.', help: 're-encode' },
  unsupported: { text: 'This browser does not play this kind of file. “Re-encode for Streaming” makes a version that plays everywhere.', help: 're-encode' },
  gone: { text: 'The file is not where it was. “Validate Metadata” looks at it again.', help: 'validate' },
  'signed-out': { text: 'You are signed out.', help: 'sign-in' },
};

/** Fault of an HTTP status; 0 is no answer. */
export function faultOfStatus(status: number): Fault {
  if (status === 401 || status === 403) return 'signed-out';
  if (status === 404 || status === 410) return 'gone';
  return status === 0 || status >= 500 || status === 429 || status === 408 ? 'network' : 'unsupported';
}
