import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Ctx } from '../ctx.ts';
import { createLogger } from '../log.ts';
import type { SpawnOptions } from '../supervisor/spawn-options.ts';
import { Supervisor } from '../supervisor/supervisor.ts';
import { diagnose, findHiddenFailure } from './diagnose.ts';

const FFMPEG = process.env['FFMPEG_PATH'] ?? 'ffmpeg';
const COMMON = ['-nostdin', '-hide_banner', '-y', '-loglevel', 'warning', '-nostats'];
const NOBODY = 65_534;
const supervisor = new Supervisor({ logger: createLogger({ service: 'test', level: 'silent' }), env: process.env });

let dir: string;
let clip: string;

/** Runs ffmpeg, through a wrapper where one is given, and says what is made of its end. */
async function verdict(args: string[], options: Partial<SpawnOptions> & { wrapper?: string[] } = {}): Promise<{ code: string; exit: string }> {
  const { wrapper = [], ...rest } = options;
  const [argv0, ...before] = [...wrapper, FFMPEG];
  const proc = supervisor.spawn(Ctx.root(), { name: 'ffmpeg', argv0: argv0 ?? FFMPEG, args: [...before, ...COMMON, ...args], group: 'own', cwd: dir, ...rest });
  const exit = await proc.exit;
  const how = exit.kind === 'code' ? `code ${exit.code}` : exit.kind === 'signal' ? exit.signal : exit.kind;
  if (how === 'code 0') return { code: findHiddenFailure(proc.stderrTail())?.code ?? 'none', exit: how };
  return { code: diagnose(proc.stderrTail(), exit).code, exit: how };
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'reelay-diagnose-'));
  chmodSync(dir, 0o755);
  clip = join(dir, 'clip.mkv');
  expect(await verdict(['-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=25', '-t', '4', '-c:v', 'libx264', '-preset', 'ultrafast', clip])).toEqual({ code: 'none', exit: 'code 0' });
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

const input = () => ['-i', clip];
const toNothing = ['-f', 'null', '-'];

test('disk full: while writing, and hidden behind an exit with 0', async () => {
  expect((await verdict([...input(), '-c', 'copy', '-f', 'mpegts', '/dev/full'])).code).toBe('disk_full');
  expect((await verdict([...input(), '-c', 'copy', '-t', '0.2', '-f', 'matroska', '/dev/full'])).code).toBe('disk_full');
});

test('a file larger than the host allows', async () => {
  expect(await verdict([...input(), '-c', 'copy', 'limited.mkv'], { wrapper: ['prlimit', '--fsize=20000'] })).toEqual({ code: 'file_too_large', exit: 'SIGXFSZ' });
});

test('out of memory: in an encoder, and where not even a thread starts', async () => {
  const large = ['-f', 'lavfi', '-i', 'testsrc2=size=3840x2160', '-t', '1', '-c:v', 'libx264', ...toNothing];
  expect((await verdict(large, { wrapper: ['prlimit', '--data=100000000'] })).code).toBe('out_of_memory');
  expect((await verdict([...input(), '-c:v', 'libx264', ...toNothing], { wrapper: ['prlimit', '--data=60000000'] })).code).toBe('out_of_memory');
});

test('input gone, or never there', async () => {
  expect((await verdict(['-i', 'none.mkv', ...toNothing])).code).toBe('file_not_found');
  writeFileSync(join(dir, 'list.txt'), "file 'clip.mkv'\nfile 'gone.mkv'\n");
  expect(await verdict(['-f', 'concat', '-safe', '0', '-i', 'list.txt', ...toNothing])).toEqual({ code: 'input_gone', exit: 'code 0' });
  expect((await verdict([...input(), '-c', 'copy', 'no/such/folder.mkv'])).code).toBe('file_not_found');
});

test.skipIf(process.getuid?.() !== 0)('permission: of the input and of the output folder', async () => {
  writeFileSync(join(dir, 'secret.mkv'), '');
  chmodSync(join(dir, 'secret.mkv'), 0o600);
  mkdirSync(join(dir, 'locked'), { mode: 0o755 });
  expect((await verdict(['-i', 'secret.mkv', ...toNothing], { uid: NOBODY, gid: NOBODY })).code).toBe('permission_denied');
  expect((await verdict([...input(), '-c', 'copy', 'locked/out.mkv'], { uid: NOBODY, gid: NOBODY })).code).toBe('permission_denied');
});

test('codec missing: encoder, decoder, and one that the container does not take', async () => {
  expect((await verdict([...input(), '-c:v', 'h264_none', ...toNothing])).code).toBe('encoder_missing');
  expect((await verdict(['-c:v', 'none_such', ...input(), ...toNothing])).code).toBe('codec_unsupported');
  expect((await verdict([...input(), '-c', 'copy', 'out.webm'])).code).toBe('container_unsupported');
});

test('no media, and settings that do not fit', async () => {
  writeFileSync(join(dir, 'text.mp4'), 'not a film'.repeat(1_000));
  expect(['invalid_data', 'moov_missing']).toContain((await verdict(['-i', 'text.mp4', ...toNothing])).code);
  expect((await verdict(['-i', dir, ...toNothing])).code).toBe('invalid_path');
  expect((await verdict([...input(), '-vf', 'none_such=1', ...toNothing])).code).toBe('option_unsupported');
  expect((await verdict([...input(), '-vf', 'scale=-5:0x', ...toNothing])).code).toBe('filter_failed');
  expect((await verdict([...input(), '-vf', 'scale=101:101', '-c:v', 'libx264', '-pix_fmt', 'yuv420p', ...toNothing])).code).toBe('encoder_failed');
  expect((await verdict([...input(), '-map', '0:a', 'silent.mkv'])).code).toBe('stream_missing');
});

test('asked to stop by somebody else', async () => {
  const told: string[] = [];
  const proc = supervisor.spawn(Ctx.root(), {
    name: 'ffmpeg', argv0: FFMPEG, args: [...COMMON, '-re', ...input(), '-progress', 'pipe:1', ...toNothing.slice(0, 2), '/dev/null'], group: 'own',
    onStdoutLine: (line) => {
      if (told.push(line) === 1) process.kill(proc.pid, 'SIGTERM');
    },
  });
  const exit = await proc.exit;
  expect(exit).toEqual({ kind: 'code', code: 255 });
  expect(diagnose(proc.stderrTail(), exit).code).toBe('terminated');
});
