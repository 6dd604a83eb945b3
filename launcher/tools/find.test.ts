import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newTempFolder, publishFolder, toolsFolder } from './cache.mjs';
import { FFMPEG, NATS_SERVER } from './catalogue.mjs';
import { ensureTools } from './find.mjs';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reelay-tools-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const script = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
};
const find = (tools: Parameters<typeof ensureTools>[0], env: Record<string, string>) =>
  ensureTools(tools, { repoRoot: folder, env: { HOME: folder, PATH: process.env['PATH'], ...env }, say: () => {} });

describe('finding programs', () => {
  it('takes ffmpeg only after it has encoded', async () => {
    const found = await find([FFMPEG], { FFMPEG_PATH: process.env['FFMPEG_PATH'] ?? '', FFPROBE_PATH: process.env['FFPROBE_PATH'] ?? '' });
    expect(found).toMatchObject({ FFMPEG_PATH: expect.stringMatching(/ffmpeg$/), FFPROBE_PATH: expect.stringMatching(/ffprobe$/) });
    const broken = script('ffmpeg', 'echo "Unknown encoder libx264" >&2; exit 1');
    await expect(find([FFMPEG], { FFMPEG_PATH: broken })).rejects.toThrow(`FFMPEG_PATH=${broken} `);
    await expect(find([FFMPEG], { FFMPEG_PATH: broken })).rejects.toThrow('Unknown encoder libx264');
  });
  it('believes the variable before PATH', async () => {
    const server = script('my-nats', 'echo "nats-server: v9"');
    expect(await find([NATS_SERVER], { NATS_SERVER_PATH: server })).toEqual({ NATS_SERVER_PATH: server });
    await expect(find([NATS_SERVER], { NATS_SERVER_PATH: join(folder, 'nothing') })).rejects.toThrow('no such file');
  });
  it('uses a fetched one, and says in one sentence what to do where nothing can be fetched', async () => {
    const tool = { ...NATS_SERVER, name: 'made-up', title: 'Made-up', programs: [['made-up-server']] };
    const cached = join(toolsFolder(folder, { HOME: folder }), 'made-up', 'private-bin');
    mkdirSync(cached, { recursive: true });
    writeFileSync(join(cached, 'made-up-server'), '#!/bin/sh\necho nats-server\n', { mode: 0o755 });
    expect(await find([tool], {})).toEqual({ NATS_SERVER_PATH: join(cached, 'made-up-server') });

    writeFileSync(join(cached, 'made-up-server'), '#!/bin/sh\nexit 1\n');
    await expect(find([tool], { PATH: folder })).rejects.toThrow(/^Made-up not found, and fetching failed: .*Install nats-server 2\.9 or newer, set NATS_SERVER_PATH/);
    expect(existsSync(cached)).toBe(false);
    expect(readdirSync(toolsFolder(folder, { HOME: folder }))).toEqual([]);
  });
});

describe('the cache', () => {
  it('keeps the first of two entries that appear at once', async () => {
    const [one, two] = [await newTempFolder(folder), await newTempFolder(folder)];
    for (const [path, text] of [[one, 'first'], [two, 'second']] as const) writeFileSync(join(path, 'file'), text);
    await publishFolder(one, join(folder, 'entry'));
    await publishFolder(two, join(folder, 'entry'));
    expect(readdirSync(folder)).toEqual(['entry']);
  });
  it('lies in the clone when the home folder cannot be written', () => {
    writeFileSync(join(folder, 'home'), '');
    expect(toolsFolder(folder, { HOME: join(folder, 'home') })).toContain(join(folder, '.cache', 'tools'));
  });
});
