/** What must hold after any run, whatever was killed: nothing lost, nothing doubled, nothing broken. */
import type { Result, Scenario } from './scenario.ts';

/** One line for each thing that is wrong. */
export const findWrongs = async (scenario: Scenario, result: Result): Promise<string[]> => [
  ...(await wrongEvents(scenario, result)),
  ...(await wrongJobs(scenario, result)),
  ...(await wrongUploads(scenario, result)),
];

/** Each listener heard every event after its first hello, once, in order. */
const wrongEvents = async (scenario: Scenario, { heard }: Result): Promise<string[]> => {
  const wrongs: string[] = [];
  for (const [n, { from, ids, resets }] of heard.entries()) {
    if (resets > 0) continue;
    const wanted = await scenario.eventsAfter(from ?? '0.0');
    const doubled = ids.length - new Set(ids).size;
    const got = new Set(ids);
    const lost = wanted.filter((id) => !got.has(id));
    if (doubled > 0) wrongs.push(`listener ${n} heard ${doubled} events twice`);
    if (lost.length > 0) wrongs.push(`listener ${n} missed ${lost.length} of ${wanted.length} events, the first ${lost[0]}, the last heard ${ids.at(-1)}`);
    if (doubled === 0 && lost.length === 0 && ids.join() !== wanted.join()) wrongs.push(`listener ${n} heard events out of order`);
  }
  return wrongs;
};

/** Each key made one job, and each job ended once. */
const wrongJobs = async ({ sql }: Scenario, { api }: Result): Promise<string[]> => {
  const rows = await sql<{ id: string; key: string; status: string; ends: number }[]>`
    select id, labels->>'key' as key, status,
      (select count(*)::int from audit where topic = 'jobs' and entity_id = jobs.id::text and event in ('complete', 'fail', 'cancel')) as ends
    from jobs where labels->>'run' = ${api.run}`;
  const wrongs: string[] = [];
  const byKey = new Map<string, number>();
  for (const { id, key, status, ends } of rows) {
    byKey.set(key, (byKey.get(key) ?? 0) + 1);
    if (status !== 'completed' || ends !== 1) wrongs.push(`job ${id} is ${status} and ended ${ends} times`);
  }
  for (const [key, n] of byKey) if (n > 1) wrongs.push(`the key ${key} made ${n} jobs`);
  for (const [key, id] of api.created) if (!byKey.has(key)) wrongs.push(`job ${id} is gone`);
  const expected = api.created.size + api.unknown.length;
  if (byKey.size > expected) wrongs.push(`${byKey.size} keys in the database, ${expected} were sent`);
  return wrongs;
};

const wrongUploads = async (scenario: Scenario, { sent }: Result): Promise<string[]> => {
  const wrongs: string[] = [];
  for (const { name, videoId, sha256 } of sent) {
    if (videoId === null) wrongs.push(`${name} is no video`);
    else if ((await scenario.digestOf(videoId)) !== sha256) wrongs.push(`${name} was changed on its way`);
  }
  const [row] = await scenario.sql<{ n: number }[]>`select count(*)::int as n from videos where filename like 'rolling %'`;
  if ((row?.n ?? 0) % sent.length !== 0) wrongs.push(`${row?.n} videos of ${sent.length} uploads`);
  return wrongs;
};
