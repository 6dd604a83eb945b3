/** A steady mix of API requests at a fixed rate, whatever the answers take. */
import { randomUUID } from 'node:crypto';
import type { Job } from '@reelay/contracts';
import { pause } from '../kit/eventually.ts';
import type { Randomness } from '../kit/random.ts';
import { ask, type Tally } from './tally.ts';

export interface ApiLoadOptions {
  baseUrl: string;
  token: string;
  perSecond: number;
  tally: Tally;
  random: Randomness;
  stop: AbortSignal;
}

export interface ApiLoad {
  /** On every job of this run. */
  run: string;
  /** Jobs that were asked for, by the key of the request. */
  created: Map<string, string>;
  /** Keys whose request failed: the job may or may not be there. */
  unknown: string[];
}

/** Each makes a job, and each job a process. */
const POST_SHARE = 0.01;
const PATCH_SHARE = 0.13;

/** Resolves when `stop` aborts and every answer has come. */
export const loadApi = async (options: ApiLoadOptions): Promise<ApiLoad> => {
  const load: ApiLoad = { run: randomUUID(), created: new Map(), unknown: [] };
  const running = new Set<Promise<void>>();
  const startedMs = performance.now();
  for (let n = 0; !options.stop.aborted; n += 1) {
    await pause(Math.max(0, startedMs + (n * 1000) / options.perSecond - performance.now()));
    const request = oneRequest(options, load).finally(() => running.delete(request));
    running.add(request);
  }
  await Promise.all(running);
  return load;
};

const oneRequest = async ({ baseUrl, token, tally, random }: ApiLoadOptions, load: ApiLoad): Promise<void> => {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const known = [...load.created];
  const roll = random.next();
  if (roll < POST_SHARE || known.length === 0) {
    const key = randomUUID();
    const body = JSON.stringify({ type: 'scan', params: {}, labels: { run: load.run, key } });
    const answer = await ask(tally, 'POST job', `${baseUrl}/api/media/jobs`, { method: 'POST', headers: { ...headers, 'idempotency-key': key }, body });
    if (answer === null) load.unknown.push(key);
    else load.created.set(key, (JSON.parse(answer.body.toString()) as Job).id);
  } else if (roll < POST_SHARE + PATCH_SHARE) {
    const [key, id] = random.pick(known);
    await ask(tally, 'PATCH job', `${baseUrl}/api/media/jobs/${id}`, { method: 'PATCH', headers, body: JSON.stringify({ labels: { run: load.run, key, patched: String(random.between(1, 1e6)) } }) });
  } else if (roll < 0.5) {
    await ask(tally, 'GET jobs', `${baseUrl}/api/media/jobs?limit=10`, { headers });
  } else if (roll < 0.8) {
    await ask(tally, 'GET job', `${baseUrl}/api/media/jobs/${random.pick(known)[1]}`, { headers });
  } else {
    await ask(tally, 'GET videos', `${baseUrl}/api/media/videos?limit=10`, { headers });
  }
};
