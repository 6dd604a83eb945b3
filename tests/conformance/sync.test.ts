/** The measure is checked first: a clip cut by ffmpeg itself shows its flashes and beeps where they are, and a late sound is seen. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { find, readBoxes } from './mp4/boxes.ts';
import { beepsIn, flashDue, flashesIn, makeSyncClip } from './sync.ts';

it('sees flashes and hears beeps where they are', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reelay-sync-'));
  try {
    const clip = await makeSyncClip(join(folder, 'clip.mp4'), { seconds: 4, rate: '24000/1001', codecs: ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '0', '-c:a', 'aac'] });
    const parts = await Promise.all((['v', 'a'] as const).map(async (kind) => {
      const path = join(folder, `${kind}.mp4`);
      await promisify(execFile)(process.env['FFMPEG_PATH'] ?? 'ffmpeg', ['-nostdin', '-v', 'error', '-i', clip, '-map', `0:${kind}`, '-c', 'copy', '-f', 'mp4', '-movflags', 'empty_moov+default_base_moof+frag_keyframe+negative_cts_offsets+cmaf', path]);
      const bytes = new Uint8Array(await readFile(path));
      const boxes = readBoxes(bytes).filter(({ type }) => type !== 'mfra');
      const moof = boxes.find(({ type }) => type === 'moof')?.start ?? 0;
      const end = boxes.reduce((last, { start, sizeBytes }) => Math.max(last, start + sizeBytes), 0);
      return { init: bytes.slice(0, moof), segments: [bytes.slice(moof, end)] };
    }));
    const [video, audio] = parts;
    if (!video || !audio) throw new Error('no parts');
    const { times, pictures } = await flashesIn(video);
    expect(pictures).toBe(96);
    expect(times.map((at) => at.toFixed(4))).toEqual([0, 1, 2, 3].map((second) => flashDue(second, '24000/1001').toFixed(4)));
    const late = audio.segments.map((bytes) => bytes.slice());
    for (const [i, at] of (await beepsIn(audio)).entries()) expect(Math.abs(at - i)).toBeLessThan(1_024 / 48_000 + 1_024 / 48_000);
    const [tfdt] = find(readBoxes(late[0] ?? new Uint8Array()), 'moof', 'traf', 'tfdt');
    tfdt?.data.setBigInt64(4, tfdt.data.getBigInt64(4) + 4_800n);
    const [before, after] = [await beepsIn(audio), await beepsIn({ init: audio.init, segments: late })];
    expect((after[1] ?? 0) - (before[1] ?? 0)).toBeCloseTo(0.1, 4);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
