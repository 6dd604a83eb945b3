/** Children of every awkward kind, and how each ends when it is left alone. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findExecutable } from '@reelay/runtime/supervisor';
import type { ChildSpec } from './driver-messages.ts';

export interface ChildKind {
  name: string;
  /** What is run, in a folder of the child's own. */
  run: (folder: string) => Pick<ChildSpec, 'argv0' | 'args'> & Partial<ChildSpec>;
  /** How it ends by itself: an exit code, a signal, `spawnError`, or `failure` for any of them but 0. Null: it does not. */
  ends: number | string | null;
  /** Only SIGKILL ends it. */
  stubborn?: boolean;
  /** Says nothing after its first sign of life, so that the stall watchdog must end it. */
  silent?: boolean;
  /** Stands still: SIGSTOP is sent to its group when it is alive. */
  frozen?: boolean;
}

const ffmpegPath = findExecutable(process.env['FFMPEG_PATH'] ?? 'ffmpeg', process.env['PATH'] ?? '') ?? 'ffmpeg';
const picture = (seconds: number): string => `testsrc2=size=320x180:rate=25:duration=${seconds}`;
const ffmpeg = (...args: string[]): { argv0: string; args: string[] } => ({
  argv0: ffmpegPath, args: ['-nostdin', '-v', 'error', '-progress', 'pipe:2', '-stats_period', '0.05', '-y', ...args],
});
const encode = (seconds: number, ...output: string[]) => ffmpeg('-re', '-f', 'lavfi', '-i', picture(seconds), '-c:v', 'libx264', '-preset', 'ultrafast', ...output);
const sh = (script: string): { argv0: string; args: string[] } => ({ argv0: 'sh', args: ['-c', script] });

const fifoIn = (folder: string): string => {
  const path = join(folder, 'input.fifo');
  execFileSync('mkfifo', [path]);
  return path;
};

const badProgram = (folder: string): string => {
  const path = join(folder, 'program');
  writeFileSync(path, '\u007fELF but no program');
  chmodSync(path, 0o755);
  return path;
};

/** Lives until it is ended. */
export const LASTING: readonly ChildKind[] = [
  { name: 'encode to a file', run: (folder) => encode(600, join(folder, 'out.mp4')), ends: null },
  { name: 'encode to a pipe that is read', run: () => ({ ...encode(600, '-f', 'mpegts', 'pipe:1'), stdout: 'read' }), ends: null },
  { name: 'stdout never read', run: () => ({ ...ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=25', '-f', 'rawvideo', 'pipe:1'), stdout: 'unread' }), ends: null },
  { name: 'input that never comes', run: (folder) => ({ argv0: ffmpegPath, args: ['-nostdin', '-i', fifoIn(folder), '-f', 'null', '-'] }), ends: null, stubborn: true, silent: true },
  { name: 'ignores TERM', run: () => sh("trap '' TERM; echo alive >&2; while :; do sleep 60; done"), ends: null, stubborn: true, silent: true },
  { name: 'ignores TERM, INT and HUP', run: () => sh("trap '' TERM INT HUP; echo alive >&2; while :; do sleep 60; done"), ends: null, stubborn: true, silent: true },
  { name: 'frozen encode', run: (folder) => encode(600, join(folder, 'out.mkv')), ends: null, frozen: true },
  { name: 'sleeps', run: () => sh('echo alive >&2; exec sleep 600'), ends: null, silent: true },
  { name: 'has a grandchild', run: () => sh('sleep 600 & echo alive >&2; wait'), ends: null, silent: true },
  { name: 'has a grandchild that ignores TERM', run: () => sh("(trap '' TERM; echo alive >&2; while :; do sleep 60; done) & wait"), ends: null, silent: true },
  { name: 'has a grandchild in a session of its own', run: () => sh("setsid sh -c 'sleep 600 & echo alive >&2; wait' & wait"), ends: null, silent: true },
  { name: 'closes its pipes', run: () => ({ ...sh('echo alive >&2; exec <&- >&- 2>&-; sleep 600'), stdout: 'read', stdin: 'pipe' }), ends: null, silent: true },
  { name: 'floods stderr', run: () => sh('exec yes "the same words again and again" >&2'), ends: null },
  { name: 'reads stdin', run: () => ({ ...sh('echo alive >&2; exec cat'), stdin: 'pipe', stdout: 'read' }), ends: null, silent: true },
  { name: 'is slow to end', run: () => sh("trap 'sleep 0.2; exit 9' TERM; echo alive >&2; while :; do sleep 0.05; done"), ends: null, silent: true },
];

/** Ends by itself at once, or nearly so. */
export const BRIEF: readonly ChildKind[] = [
  { name: 'encode that is done', run: (folder) => encode(0.2, join(folder, 'out.mp4')), ends: 0 },
  { name: 'exits with 0', run: () => sh('exit 0'), ends: 0 },
  { name: 'exits with 3', run: () => sh('echo what went wrong >&2; exit 3'), ends: 3 },
  { name: 'dies of a signal', run: () => sh('kill -SEGV $$'), ends: 'SIGSEGV' },
  { name: 'forks and exits', run: () => sh('sleep 600 & exit 0'), ends: 0 },
  { name: 'forks twice and exits', run: () => sh("setsid sh -c 'sleep 600 & exit 0' & exit 0"), ends: 0 },
  { name: 'program is missing', run: () => ({ argv0: '/no/such/program', args: [] }), ends: 'spawnError' },
  { name: 'not executable', run: () => ({ argv0: '/etc/passwd', args: [] }), ends: 'spawnError' },
  { name: 'not a program', run: (folder) => ({ argv0: badProgram(folder), args: [] }), ends: 126 },
  { name: 'input is missing', run: () => ({ argv0: ffmpegPath, args: ['-nostdin', '-i', '/no/such/film.mp4', '-f', 'null', '-'] }), ends: 1 },
  { name: 'hits its memory limit', run: () => sh('ulimit -v 100000; hoard=x; while :; do hoard=$hoard$hoard; done'), ends: 'failure' },
];

/** Only what is stubborn is given so little: the others must end by themselves, however busy the machine is. */
export const STUBBORN_GRACE_MS = 150;

/** The whole order for one child of a kind. Makes its folder. */
export const specOf = (kind: ChildKind, folder: string, stubbornGraceMs = STUBBORN_GRACE_MS): ChildSpec => {
  mkdirSync(folder, { recursive: true });
  return { stdout: 'ignore', stdin: 'ignore', graceMs: kind.stubborn === true ? stubbornGraceMs : 20_000, env: { REELAY_TORTURE_CHILD: `${folder}/` }, ...kind.run(folder) };
};
