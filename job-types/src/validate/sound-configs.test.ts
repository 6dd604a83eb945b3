import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildPacketIndex, FFPROBE_INFO_ARGS, FFPROBE_PACKET_ARGS, PacketFlag, parseFfprobe } from '@reelay/contracts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { markNewSoundConfigs, needsSoundConfigs } from './sound-configs.ts';

const run = promisify(execFile);
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-configs-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const part = async (name: string, at: number, ...codec: string[]): Promise<Buffer> => {
  const path = join(folder, name);
  await run('ffmpeg', ['-nostdin', '-v', 'error', '-y', '-f', 'lavfi', '-i', 'sine=d=8', ...codec, '-output_ts_offset', String(at), path]);
  return readFile(path);
};

/** Which packets are flagged, of how many. */
async function flaggedIn(name: string, ...parts: Buffer[]): Promise<{ flagged: number[]; count: number }> {
  const path = join(folder, name);
  await writeFile(path, Buffer.concat(parts));
  const media = parseFfprobe((await run('ffprobe', [...FFPROBE_INFO_ARGS, path])).stdout);
  const index = await buildPacketIndex((await run('ffprobe', [...FFPROBE_PACKET_ARGS, path])).stdout.split('\n'), media);
  expect(needsSoundConfigs(media)).toBe(true);
  await markNewSoundConfigs(path, media, index);
  const flags = [...(index.tracks[0]?.flags ?? [])];
  return { flagged: flags.flatMap((flag, i) => ((flag & PacketFlag.newSets) === 0 ? [] : [i])), count: flags.length };
}

const AAC = ['-c:a', 'aac', '-ac', '1', '-ar', '48000'];

it('finds where AAC goes on with other channels, another rate, or as something else', async () => {
  const mono = await part('1.ts', 1, ...AAC);
  expect((await flaggedIn('same.ts', mono, await part('2.ts', 9, ...AAC))).flagged).toEqual([0]);
  for (const [n, other] of [[...AAC, '-ac', '2'], [...AAC, '-ar', '44100'], ['-c:a', 'ac3', '-streamid', '0:256']].entries()) {
    const { flagged, count } = await flaggedIn(`other-${n}.ts`, mono, await part(`3-${n}.ts`, 9, ...other));
    expect(flagged, other.join(" ")).toHaveLength(2);
    expect(flagged[0]).toBe(0);
    expect((flagged[1] ?? 0) / count).toBeGreaterThan(0.4);
  }
});
