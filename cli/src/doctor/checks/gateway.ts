import { readySchema } from '@reelay/contracts';
import { ApiClient } from '../../connection/api-client.ts';
import { duration } from '../../output/words.ts';
import { type Check, fail, type Finding, ok, type Patient, warn } from '../check.ts';

const LIMIT_MS = 8_000;
const REQUEST_MS = 5_000;
const SKEW_SECONDS = 3;
const SLOW_MS = 1_000;

/** Its Date header has whole seconds. */
const skew = (header: string | null, now: Date): Finding[] => {
  const there = header === null ? Number.NaN : Date.parse(header);
  if (Number.isNaN(there)) return [];
  const seconds = Math.abs(now.getTime() - there) / 1000;
  const text = `The clocks of this machine and of the gateway differ by ${seconds < SKEW_SECONDS ? 'less than ' : ''}${seconds < SKEW_SECONDS ? duration(SKEW_SECONDS) : duration(seconds)}`;
  return [seconds > SKEW_SECONDS ? warn(text, 'switch on time synchronisation (chrony, systemd-timesyncd) on both', { seconds }) : ok(text)];
};

/** One that was named must answer; the one of this machine need not, when nothing was started. */
const isExpected = ({ gateway, instance }: Patient): boolean => gateway.source === '--url' || gateway.source === 'REELAY_URL' || instance !== null;

const alive = async (patient: Patient): Promise<Finding[]> => {
  const { gateway: { url }, clock } = patient;
  const startedMs = clock.monotonicMs();
  try {
    const response = await new ApiClient(url, null).open('GET', '/healthz', { limitMs: REQUEST_MS });
    const tookMs = Math.round(clock.monotonicMs() - startedMs);
    await response.text();
    const text = `The gateway at ${url} answers within ${tookMs} ms`;
    return [tookMs > SLOW_MS ? warn(text, 'look at its load and at the way to it', { tookMs }) : ok(text, { url, tookMs }), ...skew(response.headers.get('date'), clock.now())];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [isExpected(patient) ? fail(why, 'look at its log; reelay status says what else runs') : ok(`No gateway runs at ${url}`)];
  }
};

const ready = async ({ gateway: { url } }: Patient): Promise<Finding[]> => {
  let json: unknown;
  try {
    json = await (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(REQUEST_MS) })).json();
  } catch {
    return []; // That it does not answer is said above.
  }
  const parsed = readySchema.safeParse(json);
  if (!parsed.success) return [warn(`${url}/readyz gives an answer that this release does not know`, 'is it a gateway of Reelay, and of this version?')];
  const { checks, nodes, status } = parsed.data;
  const findings = Object.entries(checks).map(([name, { ok: isOk, detail }]) => (isOk ? ok(`The gateway reaches ${name}`) : fail(`The gateway: ${detail ?? `${name} is not well`}`, `look at ${name} and its log`)));
  const text = `${nodes.healthy} of ${nodes.total} nodes are healthy`;
  return [...findings, nodes.healthy === 0 && status !== 'unavailable' ? warn(`${text}: streams play, jobs wait`, 'start an agent (reelay agent), or look at its log') : ok(text, nodes)];
};

export const gatewayChecks: Check[] = [
  { id: 'gateway', group: 'Services', limitMs: LIMIT_MS, look: alive },
  { id: 'gateway.ready', group: 'Services', limitMs: LIMIT_MS, look: ready },
];
