import { afterEach, expect, test } from 'vitest';
import type { FileUse } from '../api.ts';
import { ApiError } from '../api.ts';
import { fileInUse, unlessInUse, WAIT_SECONDS } from './file-use.ts';

const refused = (text: string, ...paths: string[]): ApiError => new ApiError('file_in_use', text, { status: 409, fields: paths.map((path) => ({ path, message: 'id' })) });
/** Each try ends as told; what was asked for is kept. */
const tries = (...outcomes: (ApiError | string)[]) => {
  const uses: FileUse[] = [];
  return {
    uses,
    work: (use: FileUse): Promise<string> => {
      uses.push(use);
      const outcome = outcomes.shift();
      if (outcome instanceof ApiError) return Promise.reject(outcome);
      if (outcome !== 'until aborted') return Promise.resolve(outcome ?? '');
      return new Promise((_resolve, reject) => {
        use.signal?.addEventListener('abort', () => reject(new DOMException('', 'AbortError')));
      });
    },
  };
};
const asked = async (): Promise<NonNullable<typeof fileInUse.value>> => {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  if (fileInUse.value === null) throw new Error('nothing is asked');
  return fileInUse.value;
};
afterEach(() => expect(fileInUse.value).toBe(null));

test('a free file is changed without a question; other failures are passed on', async () => {
  expect(await unlessInUse(tries('done').work)).toEqual({ value: 'done' });
  await expect(unlessInUse(tries(new ApiError('name_taken', 'taken')).work)).rejects.toMatchObject({ code: 'name_taken' });
});

test('leaving it changes nothing', async () => {
  const changing = unlessInUse(tries(refused('played', 'gatewayId')).work);
  (await asked()).leave();
  expect(await changing).toBe(null);
});

test('waiting asks again with the wait, as often as people want, and can be stopped', async () => {
  const { work, uses } = tries(refused('played by 2', 'gatewayId', 'jobId'), refused('played by 1', 'gatewayId'), 'until aborted', 'done');
  const changing = unlessInUse(work);
  expect(await asked()).toMatchObject({ text: 'played by 2', onlyStreams: false, waiting: 'no' });
  (await asked()).wait(false);
  expect(await asked()).toMatchObject({ text: 'played by 1', onlyStreams: true, waiting: 'no' });
  (await asked()).wait(false);
  expect((await asked()).waiting).toBe('for-readers');
  (await asked()).stopWaiting();
  expect((await asked()).waiting).toBe('no');
  (await asked()).wait(true);
  expect(await changing).toEqual({ value: 'done' });
  expect(uses.map(({ wait, force }) => [wait, force])).toEqual([[undefined, undefined], [WAIT_SECONDS, false], [WAIT_SECONDS, false], [WAIT_SECONDS, true]]);
});
