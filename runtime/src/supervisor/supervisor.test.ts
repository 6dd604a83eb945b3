import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CancelledByUser, Shutdown, TimedOut, Watchdog } from '../causes.ts';
import { Ctx } from '../ctx.ts';
import { createLogger } from '../log.ts';
import { ManualClock } from '../testing.ts';
import { eventually } from '../test-support/eventually.ts';
import { childrenOf, isGone, openPipes, processState } from '../test-support/processes.ts';
import { SpawnRefused } from './exit.ts';
import type { Proc } from './proc.ts';
import { runTool } from './run-tool.ts';
import type { SpawnOptions } from './spawn-options.ts';
import { Supervisor } from './supervisor.ts';

vi.setConfig({ testTimeout: 30_000 });

let ctx: Ctx;
let supervisor: Supervisor;
let lines: string[];
let pipesBefore: number;

beforeEach(() => {
  lines = [];
  const logger = createLogger({ service: 'test', level: 'info', destination: { write: (line) => lines.push(line) } });
  ctx = Ctx.root('test');
  pipesBefore = openPipes();
  supervisor = new Supervisor({ logger, env: process.env });
});

afterEach(async () => {
  await supervisor.terminateAll(new Shutdown('end of test'), 100);
  expect(supervisor.stats().alive).toBe(0);
  await eventually(() => expect(openPipes()).toBeLessThanOrEqual(pipesBefore));
  expect(childrenOf(process.pid).filter((pid) => processState(pid) === 'Z')).toEqual([]);
});

function sh(script: string, options: Partial<SpawnOptions> = {}): Proc {
  return supervisor.spawn(ctx, { name: 'script', argv0: 'sh', args: ['-c', script], group: 'own', ...options });
}

/** Resolves when the child has printed its first bytes. */
function firstOutput(proc: Proc): Promise<string> {
  return new Promise((resolve) => {
    proc.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString()));
  });
}

test('a child reports its exit code, output and the end of stderr', async () => {
  const heard: string[] = [];
  const proc = sh('echo out; echo "one\ntwo" >&2; printf three >&2; exit 3', { stdout: 'pipe', onStderrLine: (line) => heard.push(line) });
  expect(await firstOutput(proc)).toBe('out\n');
  expect(await proc.exit).toEqual({ kind: 'code', code: 3 });
  expect(proc.stderrTail()).toBe('one\ntwo\nthree');
  expect(heard).toEqual(['one', 'two', 'three']);
  expect(proc.state).toBe('reaped');
});

test('only the last 64 KB of stderr are kept', async () => {
  const proc = sh('head -c 1000000 /dev/zero | tr "\\0" a >&2; echo end >&2');
  await proc.exit;
  expect(proc.stderrTail()).toHaveLength(65_536);
  expect(proc.stderrTail().endsWith('aend\n')).toBe(true);
});

test('cancelling the context ends the child and the exit names the cause', async () => {
  const proc = sh('echo ready; exec sleep 60', { stdout: 'pipe' });
  await firstOutput(proc);
  const cause = new CancelledByUser();
  ctx.cancel(cause);
  expect(await proc.exit).toEqual({ kind: 'signal', signal: 'SIGTERM', cause });
  const logged: unknown[] = lines.map((line): unknown => JSON.parse(line)).filter((line) => (line as { msg: string }).msg === 'child terminated');
  expect(logged).toHaveLength(1);
  expect(logged[0]).toMatchObject({ proc: 'script', cause: 'cancelled', forced: false, exit: 'SIGTERM' });
});

test('ends that nobody asked for are told once too', async () => {
  const logger = createLogger({ service: 'test', level: 'debug', destination: { write: (line) => lines.push(line) } });
  const talkative = new Supervisor({ logger, env: process.env });
  const run = (name: string, argv0: string, ...args: string[]) => talkative.spawn(ctx, { name, argv0, args, group: 'own' }).exit;
  await Promise.all([run('code', 'sh', '-c', 'exit 3'), run('signal', 'sh', '-c', 'kill -KILL $$'), run('missing', '/no/such/program')]);
  const told = lines.map((line): { msg: string; proc?: string; cause?: string; exit?: unknown } => JSON.parse(line)).filter((line) => line.msg === 'child ended');
  expect(told.map(({ proc, cause, exit }) => ({ proc, cause, exit })).toSorted((a, b) => String(a.proc).localeCompare(String(b.proc)))).toEqual([
    { proc: 'code', cause: 'exited', exit: 3 },
    { proc: 'missing', cause: 'not_started', exit: 'spawnError' },
    { proc: 'signal', cause: 'killed_by_others', exit: 'SIGKILL' },
  ]);
});

test('a child that ignores TERM is killed after the grace, with everything it started', async () => {
  const proc = sh("trap '' TERM; sleep 60 & echo $!; while :; do sleep 60; done", { stdout: 'pipe', graceMs: 50 });
  const grandchild = Number(await firstOutput(proc));
  const exit = await proc.terminate(new CancelledByUser());
  expect(exit).toMatchObject({ kind: 'signal', signal: 'SIGKILL' });
  expect(proc.forced).toBe(true);
  expect(supervisor.stats().forcedKills).toBe(1);
  await eventually(() => expect(isGone(grandchild)).toBe(true));
});

test('grandchildren go even when the child itself ends in good order', async () => {
  const proc = sh('sleep 60 & echo $!', { stdout: 'pipe' });
  const grandchild = Number(await firstOutput(proc));
  expect(await proc.exit).toEqual({ kind: 'code', code: 0 });
  await eventually(() => expect(isGone(grandchild)).toBe(true));
});

test('a child blocked on a full stdout ends without being killed', async () => {
  const proc = supervisor.spawn(ctx, {
    name: 'ffmpeg', argv0: process.env.FFMPEG_PATH ?? 'ffmpeg', group: 'own', stdout: 'pipe', graceMs: 20_000,
    args: ['-nostdin', '-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=1280x720:rate=30', '-f', 'rawvideo', 'pipe:1'],
  });
  await new Promise((resolve) => {
    proc.stdout.once('readable', resolve);
  });
  await eventually(() => expect(processState(proc.pid)).toBe('S'));
  const exit = await proc.terminate(new CancelledByUser());
  expect(exit.cause).toBeInstanceOf(CancelledByUser);
  expect(proc.forced).toBe(false);
});

test('a stopped child is continued so that TERM reaches it', async () => {
  const proc = sh('echo ready; exec sleep 60', { stdout: 'pipe', graceMs: 20_000 });
  await firstOutput(proc);
  process.kill(proc.pid, 'SIGSTOP');
  await eventually(() => expect(processState(proc.pid)).toBe('T'));
  expect(await proc.terminate(new CancelledByUser())).toMatchObject({ kind: 'signal', signal: 'SIGTERM' });
});

test('no progress ends the child as stalled', async () => {
  const exit = await sh('exec sleep 60', { stallMs: 60 }).exit;
  expect(exit.kind).toBe('stalled');
  expect(exit.cause).toBeInstanceOf(Watchdog);
});

test('the time limit ends the child', async () => {
  const exit = await sh('exec sleep 60', { limitMs: 60 }).exit;
  expect(exit.kind).toBe('timeLimit');
  expect(exit.cause).toBeInstanceOf(TimedOut);
});

test('a frozen child stands still and does not age', async () => {
  const clock = new ManualClock();
  const slow = new Supervisor({ logger: createLogger({ service: 'test', level: 'silent' }), env: process.env, clock });
  const proc = slow.spawn(ctx, { name: 'x', argv0: 'sleep', args: ['60'], group: 'own', stallMs: 10_000, limitMs: 100_000 });
  clock.advance(9_000);
  expect(proc.freeze()).toBe(true);
  await eventually(() => expect(processState(proc.pid)).toBe('T'));
  clock.advance(3_600_000);
  expect(proc.state).toBe('running');
  expect(proc.thaw()).toBe(true);
  await eventually(() => expect(processState(proc.pid)).toBe('S'));
  clock.advance(9_000);
  expect(proc.state).toBe('running');
  clock.advance(2_000);
  expect((await proc.exit).kind).toBe('stalled');
  expect(proc.freeze()).toBe(false);
});

test('a program that is not there shows in the exit', async () => {
  for (const argv0 of ['no-such-program', '/etc/passwd', '/tmp']) {
    const proc = supervisor.spawn(ctx, { name: 'x', argv0, args: [], group: 'own', stdout: 'pipe', stdin: 'pipe', extraPipes: 1 });
    expect(await proc.exit).toMatchObject({ kind: 'spawnError', error: { code: 'spawn_failed' } });
  }
  const proc = sh('exit 0', { cwd: '/no/such/folder' });
  expect((await proc.exit).kind).toBe('spawnError');
});

test('nothing is started for cancelled work or while draining', async () => {
  const child = ctx.child('request');
  child.end();
  const options = { name: 'x', argv0: 'true', args: [], group: 'own' } as const;
  expect(() => supervisor.spawn(child, options)).toThrow(SpawnRefused);
  supervisor.drain(new Shutdown('test'));
  expect(() => supervisor.spawn(ctx, options)).toThrow(SpawnRefused);
});

test('a child sees no secret of this process, and its arguments arrive as they are', async () => {
  process.env.DATABASE_URL = 'S3CRET';
  try {
    const odd = ['a b', "it's", '$HOME', '"', '', '*', '-n', 'ü\n'];
    const tool = await runTool(ctx, supervisor, { argv0: 'sh', args: ['-c', 'env; printf "<%s>" "$@"', 'sh', ...odd], maxOutputBytes: 10_000, limitMs: 5_000, env: { EXTRA: 'yes' } });
    expect(tool.stdout).not.toContain('S3CRET');
    expect(tool.stdout).toContain('EXTRA=yes');
    expect(tool.stdout.endsWith(odd.map((arg) => `<${arg}>`).join(''))).toBe(true);
  } finally {
    delete process.env.DATABASE_URL;
  }
});

test('stdin and extra pipes carry data', async () => {
  const proc = sh('read -r line; echo "got $line" >&3; cat <&4 >&2', { stdin: 'pipe', extraPipes: 2 });
  const [out, back] = proc.pipes;
  let text = '';
  out?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  back?.end('from fd 4');
  proc.stdin.write('hello\n');
  expect(await proc.exit).toEqual({ kind: 'code', code: 0 });
  expect(text).toBe('got hello\n');
  expect(proc.stderrTail()).toBe('from fd 4');
});

test('a Node child has a message channel through the wrapper', async () => {
  const script = 'process.on("message", (m) => process.send({ echo: m }, () => process.exit(0)))';
  const proc = supervisor.spawn(ctx, { name: 'node', argv0: process.execPath, args: ['-e', script], group: 'own', ipc: true });
  const reply = new Promise((resolve) => {
    proc.onMessage(resolve);
  });
  proc.send({ n: 1 });
  expect(await reply).toEqual({ echo: { n: 1 } });
  expect(await proc.exit).toEqual({ kind: 'code', code: 0 });
  expect(proc.send({ n: 2 })).toBe(false);
});

test('lines of stdout are drained, and the last words after TERM are heard', async () => {
  const heard: string[] = [];
  const proc = sh("trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.01; done", { onStdoutLine: (line) => heard.push(line) });
  await eventually(() => expect(heard).toEqual(['ready']));
  expect(await proc.terminate(new CancelledByUser())).toMatchObject({ kind: 'code', code: 0 });
  expect(heard).toEqual(['ready', 'bye']);
});

test('a tool that prints too much is ended', async () => {
  const tool = await runTool(ctx, supervisor, { argv0: 'cat', args: ['/dev/zero'], maxOutputBytes: 100_000, limitMs: 5_000 });
  expect(tool.exit.cause).toMatchObject({ code: 'output_too_large' });
  expect(tool.stdout.length).toBeLessThanOrEqual(100_000);
});

test('a tool that runs too long is ended', async () => {
  const tool = await runTool(ctx, supervisor, { argv0: 'sleep', args: ['60'], maxOutputBytes: 10, limitMs: 50 });
  expect(tool.exit.kind).toBe('timeLimit');
});

test('in an inherited group only the process itself is signalled', async () => {
  const proc = supervisor.spawn(ctx, { name: 'x', argv0: 'sleep', args: ['60'], group: 'inherit' });
  expect(proc.pgid).toBe(-1);
  expect(await proc.terminate(new CancelledByUser())).toMatchObject({ kind: 'signal', signal: 'SIGTERM' });
});

test('the memory killer is pointed at children that ask for it', async () => {
  const proc = sh('cat /proc/self/oom_score_adj', { stdout: 'pipe', oomScoreAdj: 800 });
  expect(await firstOutput(proc)).toBe('800\n');
});

test('all children are ended together', async () => {
  const procs = Array.from({ length: 20 }, () => sh('exec sleep 60'));
  await supervisor.terminateAll(new Shutdown('test'), 1_000);
  expect(procs.every((proc) => isGone(proc.pid))).toBe(true);
  expect(supervisor.stats()).toMatchObject({ alive: 0, spawned: 20, unkillable: 0 });
});

test('the last resort kills at once', async () => {
  const procs = Array.from({ length: 5 }, () => sh("trap '' TERM; while :; do sleep 60; done"));
  supervisor.killAll();
  for (const proc of procs) expect(await proc.exit).toMatchObject({ kind: 'signal', signal: 'SIGKILL' });
});

test('a context that ends right after the spawn leaves no process', async () => {
  const procs: Proc[] = [];
  for (let i = 0; i < 30; i += 1) {
    const request = ctx.child('request');
    procs.push(supervisor.spawn(request, { name: 'x', argv0: 'sleep', args: ['60'], group: 'own', stdout: 'pipe' }));
    request.end();
  }
  await Promise.all(procs.map((proc) => proc.exit));
  expect(procs.every((proc) => isGone(proc.pid))).toBe(true);
  expect(ctx.childCount).toBe(0);
});
