/** Twenty clients at once on one film: deletions, renames, streams and starting jobs, with real files, by chance. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Video } from '@reelay/contracts';
import { newId } from '@reelay/runtime';
import { dropAttemptReads, findVideo, grantReads, inTransaction } from '@reelay/store';
import { placeJob, testJob, testLease, testNode } from '@reelay/store/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startTestGateway, type TestGateway } from '../../testing/kit.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ REELAY_VIEWER_LINGER_SECONDS: '0' });
});
afterAll(() => gateway.stop());

const ROUNDS = 8;
const CONTENT = 'frame '.repeat(100_000);

/** What came of each kind of client. */
type Tally = Map<string, number>;
const count = (tally: Tally, what: string): void => void tally.set(what, (tally.get(what) ?? 0) + 1);
const ROLES = ['VIEWER', 'ADMIN', 'SUPER_ADMIN'] as const;

/** A request for the file reads all of it, or is told that it is deleted, or to come again. */
const watch = async (video: Video, n: number, tally: Tally): Promise<void> => {
  const response = await gateway.call('GET', `/api/media/videos/${video.id}/file`, { as: ROLES[n % 3] ?? null });
  const text = await response.text();
  count(tally, `watch ${response.status}`);
  if (response.status === 200) expect(text).toBe(CONTENT);
  else expect([response.status, text]).toEqual([expect.any(Number), expect.stringMatching(/"code":"(video_not_found|file_busy)"/)]);
};

/** An attempt asks as the scheduler does, until it has its input; then it finds it in its place until it is over. */
const work = async (video: Video, node: Awaited<ReturnType<typeof testNode>>, lease: Awaited<ReturnType<typeof testLease>>, tally: Tally): Promise<void> => {
  const job = await placeJob(gateway.sql, lease, await testJob(gateway.sql, 'validate', { params: { videoId: video.id } }), node);
  const attempt = { jobId: job.id, epoch: job.epoch };
  for (let held = false; !held;) {
    const found = await findVideo(gateway.sql, video.id);
    const answer = found === null ? 'gone' : await grantReads(gateway.sql, attempt, [{ path: found.path, videoId: video.id }]);
    count(tally, `work ${answer}`);
    if (found === null) return;
    held = answer === 'held';
    if (!held) continue;
    const path = join(gateway.libraryRoot, found.path);
    for (let look = 0; look < 5; look += 1) expect((await stat(path)).size).toBe(CONTENT.length);
    expect(await readFile(path, 'utf8')).toBe(CONTENT);
  }
  await inTransaction(gateway.sql, (tx) => dropAttemptReads(tx, attempt));
  gateway.deps.hints.outbox();
};

const change = async (video: Video, n: number, tally: Tally): Promise<void> => {
  const query = ['', '?wait=10', '?force=1', '?wait=0.05'][n % 4] ?? '';
  const response = n % 3 === 0
    ? await gateway.call('DELETE', `/api/media/videos/${video.id}${query}`)
    : await gateway.call('PATCH', `/api/media/videos/${video.id}${query}`, { body: { filename: `${video.id} ${n}.mkv` } });
  const text = await response.text();
  count(tally, `${n % 3 === 0 ? 'delete' : 'rename'} ${response.status}`);
  if (response.status >= 300) expect([response.status, text]).toEqual([expect.any(Number), expect.stringMatching(/"code":"(file_in_use|video_not_found)"/)]);
};

test('nobody reads a file that was moved, nothing is lost, and no lock is left', async () => {
  const tally: Tally = new Map();
  const lease = await testLease(gateway.sql);
  for (let round = 0; round < ROUNDS; round += 1) {
    const video = await gateway.upload(`round ${round}.mkv`, CONTENT);
    const node = await testNode(gateway.sql, `node-${newId().slice(-6)}`, { limits: { cpu: 20, gpu_encode: 0, gpu_ai: 0 } });
    // Without deletions in every other round, so that renames and readers meet more often.
    const changes = Array.from({ length: 8 }, (_, n) => change(video, round % 2 === 0 ? n : n * 3 + 1, tally));
    await Promise.all([
      ...changes, ...Array.from({ length: 8 }, (_, n) => watch(video, n, tally)), ...Array.from({ length: 4 }, () => work(video, node, lease, tally)),
    ]);
    await vi.waitFor(async () => {
      const left = await gateway.sql`select file from file_reads union all select action from file_writes`;
      expect(left).toEqual([]);
    }, { timeout: 20_000, interval: 20 });
    const [row] = await gateway.sql<{ path: string; trashPath: string | null; deletedAt: Date | null }[]>`select path, trash_path, deleted_at from videos where id = ${video.id}`;
    const place = row?.deletedAt === null ? row.path : (row?.trashPath ?? '');
    const file = join(gateway.libraryRoot, place);
    expect(await readFile(file, 'utf8')).toBe(CONTENT);
    expect((await stat(file)).nlink).toBe(1);
  }
  expect(gateway.deps.reads.size).toBe(0);
  // The rounds were worth something: all kinds met.
  for (const what of ['watch 200', 'work held', 'rename 200']) expect(tally.get(what) ?? 0, `${what} of ${JSON.stringify([...tally])}`).toBeGreaterThan(0);
});
