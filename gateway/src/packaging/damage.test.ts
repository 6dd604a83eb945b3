import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { joinLengthPrefixed, isWhole } from './bitstream/nal.ts';
import { openPackage } from './package.ts';
import { ClipFolder, parseSegment, probe } from './testing.ts';

const folder = new ClipFolder();
afterAll(() => folder.remove());
let base = '';
beforeAll(async () => {
  base = await folder.make('base.mp4', '-f', 'lavfi', '-i', 'testsrc2=s=160x90:r=25:d=8', '-f', 'lavfi', '-i', 'sine=d=8', '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '50', '-pix_fmt', 'yuv420p', '-c:a', 'aac');
});

describe('a damaged file', () => {
  it.each(['mp4', 'mkv', 'ts', 'flv'])('of %s is cut whole, with its torn pictures', async (suffix) => {
    const bytes = readFileSync(await folder.make(`whole.${suffix}`, '-i', base, '-c', 'copy'));
    const at = Math.floor(bytes.length / 2);
    const { path, info, index } = await probe(folder.write(`torn.${suffix}`, Buffer.from(bytes).fill(0, at, at + 3_000)));
    const media = openPackage({ absPath: path, mediaInfo: info, index });
    for (const { id, segments } of media.renditions) {
      for (let n = 0; n < segments; n += 1) {
        const { dataFits, durations } = parseSegment(await media.segment(id, n));
        expect(dataFits).toBe(true);
        expect(Math.min(...durations)).toBeGreaterThan(0);
      }
    }
  });

  it('of a transport stream from which bytes are gone is read on behind the hole', async () => {
    const bytes = readFileSync(await folder.make('hole.ts', '-i', base, '-c', 'copy'));
    const { path, info, index } = await probe(folder.write('holed.ts', Buffer.concat([bytes.subarray(0, 40_000), bytes.subarray(41_001)])));
    const media = openPackage({ absPath: path, mediaInfo: info, index });
    for (const { id, segments } of media.renditions) for (let n = 0; n < segments; n += 1) expect(parseSegment(await media.segment(id, n)).dataFits).toBe(true);
  });
});

it('a sample is whole when its lengths add up to it', () => {
  const sample = joinLengthPrefixed([Uint8Array.of(1, 2, 3), Uint8Array.of(4)]);
  expect(isWhole(sample)).toBe(true);
  expect(isWhole(sample.subarray(0, sample.length - 1))).toBe(false);
  expect(isWhole(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1))).toBe(false);
  expect(isWhole(new Uint8Array())).toBe(false);
});
