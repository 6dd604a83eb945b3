import { readFileSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import { openPackageInTurns } from './package.ts';
import { ClipFolder, probe } from './testing.ts';

const folder = new ClipFolder();
afterAll(() => folder.remove());

const clip = (name: string, at: number, size: string, ...more: string[]) => folder.make(name, '-f', 'lavfi', '-i', `testsrc2=s=${size}:r=25:d=4`, '-f', 'lavfi', '-i', 'sine=d=4', '-c:v', 'libx264', '-preset', 'ultrafast',
  '-g', '50', '-pix_fmt', 'yuv420p', '-c:a', 'aac', ...more, '-output_ts_offset', String(at));

it('is refused before anything is promised when a recording goes on in another size', async () => {
  const first = await clip('1.ts', 1, '160x90');
  const open = async (name: string, second: string) => {
    const { path, info, index } = await probe(folder.write(name, Buffer.concat([readFileSync(first), readFileSync(second)])));
    return openPackageInTurns({ absPath: path, mediaInfo: info, index }, async () => {});
  };
  expect((await open('same.ts', await clip('2.ts', 5, '160x90'))).renditions).toHaveLength(2);
  // Other parameter sets that ask no more of a decoder are sent along.
  expect((await open('refs.ts', await clip('3.ts', 5, '160x90', '-refs', '4'))).renditions).toHaveLength(2);
  await expect(open('other.ts', await clip('4.ts', 5, '320x180'))).rejects.toMatchObject({ code: 'not_remuxable', message: expect.stringContaining('size in the middle') });
});
