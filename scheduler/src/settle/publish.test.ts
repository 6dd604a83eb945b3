import { link, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { WorkOrder } from '@reelay/contracts';
import { LibraryRoot, newId, OutputExistsError } from '@reelay/runtime';
import type { IntentFile } from '@reelay/store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inspectParts, numbered, publishAll, removeFiles, unpublish } from './publish.ts';

let library: LibraryRoot;
const jobId = newId();
const notes: string[] = [];

beforeEach(async () => {
  library = await LibraryRoot.open(await mkdtemp(join(tmpdir(), 'reelay-publish-')));
  notes.length = 0;
});
afterEach(() => rm(library.path, { recursive: true, force: true }));

const put = async (path: string, content: string): Promise<void> => {
  await mkdir(dirname(library.resolve(path)), { recursive: true });
  await writeFile(library.resolve(path), content);
};
const get = (path: string): Promise<string> => readFile(library.resolve(path), 'utf8');
const gone = async (path: string): Promise<boolean> => (await stat(library.resolve(path)).catch(() => null)) === null;
const order = (path: string, onConflict: IntentFile['onConflict']): Pick<WorkOrder, 'outputs'> => ({
  outputs: [{ name: 'out', path, partPath: `${dirname(path)}/.part`, url: '', onConflict }],
});
const inspect = async (path: string, onConflict: IntentFile['onConflict'], content = 'new'): Promise<IntentFile[]> => {
  if (await gone(`${dirname(path)}/.part`)) await put(`${dirname(path)}/.part`, content);
  return inspectParts(library, order(path, onConflict) as WorkOrder, [{ name: 'out', sizeBytes: content.length }]);
};
const publish = (files: IntentFile[]) => publishAll(library, jobId, files, async () => {
  notes.push(files[0]?.finalPath ?? '');
});

describe('inspecting', () => {
  it('refuses parts that are missing, empty, of another size, or never ordered', async () => {
    const wanted = order('a/x.mp4', 'rename') as WorkOrder;
    await expect(inspectParts(library, wanted, [{ name: 'out', sizeBytes: 3 }])).rejects.toMatchObject({ error: { code: 'part_missing', retryable: true } });
    await put('a/.part', 'new');
    await expect(inspectParts(library, wanted, [{ name: 'out', sizeBytes: 4 }])).rejects.toMatchObject({ error: { code: 'part_size' } });
    await put('a/.part', '');
    await expect(inspectParts(library, wanted, [{ name: 'out', sizeBytes: 0 }])).rejects.toMatchObject({ error: { code: 'part_size' } });
    await expect(inspectParts(library, wanted, [{ name: 'other', sizeBytes: 3 }])).rejects.toMatchObject({ error: { code: 'output_unknown' } });
  });
});

describe('publishing', () => {
  it('keeps names within what a file system takes, in whole characters', async () => {
    const name = `${'电'.repeat(83)}.mp4`;
    const next = numbered(`a/${name}`, 12);
    expect(next).toBe(`a/${'电'.repeat(82)} (12).mp4`);
    expect(Buffer.byteLength(next.slice(2))).toBeLessThanOrEqual(255);
    await put(`a/${name}`, 'old');
    const files = await inspect(`a/${name}`, 'replace');
    expect((await publish(files))[0]?.replacedPath).toMatch(/^\.trash\//);
    expect(await get(`a/${name}`)).toBe('new');
  });


  it('gives the part its name', async () => {
    const files = await inspect('a/x.mp4', 'fail');
    expect(await publish(files)).toMatchObject([{ path: 'a/x.mp4', sizeBytes: 3, replacedPath: null }]);
    expect(await get('a/x.mp4')).toBe('new');
    expect(await gone('a/.part')).toBe(true);
    expect(await publish(files)).toMatchObject([{ path: 'a/x.mp4' }]);
  });

  it('takes the next free name, noting it before it is used', async () => {
    await put('a/x.mp4', 'one');
    await put('a/x (2).mp4', 'two');
    const files = await inspect('a/x.mp4', 'rename');
    expect(await publish(files)).toMatchObject([{ path: 'a/x (3).mp4' }]);
    expect(notes).toEqual(['a/x (2).mp4', 'a/x (3).mp4']);
    expect([await get('a/x.mp4'), await get('a/x (2).mp4'), await get('a/x (3).mp4')]).toEqual(['one', 'two', 'new']);
    expect(await publish(files)).toMatchObject([{ path: 'a/x (3).mp4' }]);
  });

  it('fails on a taken name when that was asked for', async () => {
    await put('a/x.mp4', 'one');
    await expect(publish(await inspect('a/x.mp4', 'fail'))).rejects.toBeInstanceOf(OutputExistsError);
    expect(await get('a/x.mp4')).toBe('one');
  });

  it('moves a file that it replaces aside, and back when it is undone', async () => {
    await put('a/x.mp4', 'one');
    const files = await inspect('a/x.mp4', 'replace');
    const [published] = await publish(files);
    expect(await get('a/x.mp4')).toBe('new');
    expect(await get(published?.replacedPath ?? '')).toBe('one');
    await unpublish(library, files);
    expect(await get('a/x.mp4')).toBe('one');
    expect(await gone(published?.replacedPath ?? '')).toBe(true);
  });

  it('never forgets what it moved aside: not when another program takes the name then, and not when the trash has such a name', async () => {
    await put('a/x.mp4', 'one');
    await put(`.trash/${jobId}-2-x.mp4`, 'of an earlier attempt');
    const files = await inspect('a/x.mp4', 'replace');
    const note = async (): Promise<void> => {
      notes.push(files[0]?.asidePath ?? '');
    };
    // As a crash leaves it: moved aside, and not published; then somebody writes a file of that name.
    Object.assign(files[0] ?? {}, { asidePath: `.trash/${jobId}-3-x.mp4` });
    await rename(library.resolve('a/x.mp4'), library.resolve(`.trash/${jobId}-3-x.mp4`));
    await put('a/x.mp4', 'a stranger’s');
    await expect(publishAll(library, jobId, files, note)).rejects.toBeInstanceOf(OutputExistsError);
    await unpublish(library, files);
    await unpublish(library, files);
    expect([await get('a/x.mp4'), await get('a/x (2).mp4')]).toEqual(['a stranger’s', 'one']);
    expect(await get(`.trash/${jobId}-2-x.mp4`)).toBe('of an earlier attempt');
    expect(await gone(`.trash/${jobId}-3-x.mp4`)).toBe(true);
  });

  it('of a move within a folder leaves the file where it is, also when it is undone', async () => {
    await put('a/x.mp4', 'the original');
    await link(library.resolve('a/x.mp4'), library.resolve('a/.part'));
    const files = await inspect('a/x.mp4', 'rename', 'the original');
    expect(await publish(files)).toMatchObject([{ path: 'a/x.mp4' }]);
    await unpublish(library, files);
    expect(await get('a/x.mp4')).toBe('the original');
  });

  it('undone removes only what it made', async () => {
    const files = await inspect('a/x.mp4', 'rename');
    await publish(files);
    await unpublish(library, files);
    expect(await gone('a/x.mp4')).toBe(true);
    await put('a/x.mp4', 'somebody else’s');
    await unpublish(library, [{ ...files[0], inode: '1' } as IntentFile]);
    expect(await get('a/x.mp4')).toBe('somebody else’s');
  });
});

it('removing never leaves the library, and a missing file is none', async () => {
  await removeFiles(library, ['a/none.mp4']);
  await expect(removeFiles(library, ['../etc/passwd'])).rejects.toMatchObject({ code: 'path_outside_library' });
});

it.each([['a/x.mp4', 2, 'a/x (2).mp4'], ['a/x (2019).mp4', 3, 'a/x (2019) (3).mp4'], ['x', 2, 'x (2)'], ['a/.x.tar.gz', 2, 'a/.x.tar (2).gz']])('numbered %s', (path, n, wanted) => {
  expect(numbered(path, n)).toBe(wanted);
});
