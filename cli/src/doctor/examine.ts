/** Asks all questions: some at the same time, each with a time limit of its own, none able to end the others. */
import { Ctx, ReelayError, toError } from '@reelay/runtime';
import { type Check, type Finding, type Patient, warn } from './check.ts';

/** What became of one check, in the order in which they are shown. */
export interface Examined {
  id: string;
  group: Check['group'];
  findings: Finding[];
  tookMs: number;
}

class CheckTookTooLong extends ReelayError {
  readonly code = 'check_took_too_long';
}

/** Trial encodes and programs take a core each. */
const AT_ONCE = 4;

/** An error of a check is a finding: a broken system is what it is for. */
const lookOnce = async ({ id, group, limitMs, look }: Check, patient: Patient): Promise<Examined> => {
  const { clock } = patient;
  const startedMs = clock.monotonicMs();
  const ctx = Ctx.root(`check ${id}`);
  const tooLong = new Promise<Finding[]>((resolve) => {
    const callOff = clock.after(limitMs, () => {
      ctx.cancel(new CheckTookTooLong(`${id} took longer than ${limitMs} ms`));
      resolve([warn(`${id}: no answer within ${limitMs / 1000} s`, 'something hangs that it asks: a mount, a driver, or a server; look there first')]);
    });
    ctx.onCancel(callOff);
  });
  const work = Promise.resolve().then(() => look(patient, ctx)).catch((thrown: unknown) => [warn(`${id}: could not be looked at (${toError(thrown).message})`, 'see the message')]);
  const findings = await Promise.race([work, tooLong]);
  ctx.cancel(new CheckTookTooLong('over'));
  return { id, group, findings, tookMs: Math.round(clock.monotonicMs() - startedMs) };
};

export const examine = async (checks: readonly Check[], patient: Patient): Promise<Examined[]> => {
  const results: Examined[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < checks.length; at = next++) {
      const check = checks[at];
      if (check !== undefined) results[at] = await lookOnce(check, patient);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
};
