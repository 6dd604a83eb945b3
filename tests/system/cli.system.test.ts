/** The command `reelay` from start to stop, as a person or a script uses it: on the real system, from another folder, through a link in PATH. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Job, JobDetail, JobStats, Node, Page, Video } from '@reelay/contracts';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { processesOf } from '../kit/processes.ts';
import { makeClip } from './clips.ts';

const COMMAND = resolve(import.meta.dirname, '../../cli/reelay.mjs');
const PASSWORD = 'test-password-of-admin';

interface Ended {
  code: number | null;
  out: string;
  err: string;
}
interface Running {
  child: ChildProcess;
  /** What it has printed so far. */
  out: () => string;
  err: () => string;
  ended: Promise<Ended>;
}

let folder: string;
let elsewhere: string;

const environment = (): Record<string, string | undefined> => ({
  ...process.env, PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`, PORT: '0', HOST: '127.0.0.1', REELAY_DATA_DIR: join(folder, 'data'), MEDIA_LIBRARY_PATH: join(folder, 'library root'),
  REELAY_ADMIN_PASSWORD: PASSWORD, REELAY_DEMO: '0', XDG_CONFIG_HOME: join(folder, 'config'), REELAY_URL: undefined, REELAY_TOKEN: undefined,
});

const begin = (argv: readonly string[], { env = {}, input = '' }: { env?: Record<string, string>; input?: string } = {}): Running => {
  const child = spawn('reelay', argv, { cwd: elsewhere, env: { ...environment(), ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => void (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => void (err += chunk.toString()));
  child.stdin.end(input);
  const ended = new Promise<Ended>((done, failed) => {
    child.once('error', failed);
    child.once('close', (code) => done({ code, out, err }));
  });
  return { child, out: () => out, err: () => err, ended };
};
const reelay = (...argv: string[]): Promise<Ended> => begin(argv).ended;
/** The answer of a command that must succeed. */
const json = async <T>(...argv: string[]): Promise<T> => {
  const { code, out, err } = await reelay(...argv, '--json');
  expect(code, err).toBe(0);
  return JSON.parse(out) as T;
};
const encode = (videoId: string): Promise<Job> => json('jobs', 'create', 'reencode_streaming', '--param', `videoId=${videoId}`, '--param', 'preset=veryslow');
const untilRuns = (id: string): Promise<void> => vi.waitFor(async () => expect((await json<JobDetail>('jobs', 'show', id)).status).toBe('running'), { timeout: 60_000, interval: 200 });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-cli-system-'));
  // As root, Postgres runs as another user and must get to its folder.
  await chmod(folder, 0o755);
  elsewhere = await mkdtemp(join(tmpdir(), 'reelay-elsewhere-'));
  await mkdir(join(folder, 'bin'));
  await symlink(COMMAND, join(folder, 'bin', 'reelay'));
});
afterAll(async () => {
  for (const { pid } of processesOf(folder)) process.kill(pid, 'SIGKILL');
  await rm(folder, { recursive: true, force: true });
  await rm(elsewhere, { recursive: true, force: true });
});

describe('reelay', () => {
  let video: Video;

  it('starts in the background, once', async () => {
    expect((await reelay('status')).code).toBe(3);
    const started = await reelay('start', '--detach');
    expect(started.code, started.err).toBe(0);
    expect(started.out).toContain('Reelay is ready at http://localhost:');
    const again = await reelay('start', '--detach');
    expect(again.code).toBe(75);
    expect(again.err).toMatch(/already runs .*process \d+/);
  });

  it('signs in without a password on the command line, and keeps the token to its user', async () => {
    expect(await reelay('jobs', 'ls')).toMatchObject({ code: 5, out: '' });
    const wrong = await begin(['login', '--username', 'admin', '--password-stdin'], { input: 'wrong password\n' }).ended;
    expect([wrong.code, wrong.out]).toEqual([5, '']);
    const { code, out } = await begin(['login', '--username', 'admin', '--password-stdin'], { input: `${PASSWORD}\n` }).ended;
    expect(code).toBe(0);
    expect(out).not.toContain(PASSWORD);
    const file = join(folder, 'config', 'reelay', 'credentials');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await json('whoami')).toMatchObject({ username: 'admin', role: 'SUPER_ADMIN' });
    const token = /"token": "([^"]+)"/.exec(await readFile(file, 'utf8'))?.[1] ?? '';
    await writeFile(join(folder, 'token'), `${token}\n`);
    expect((await reelay('whoami', '--token-file', join(folder, 'token'))).code).toBe(0);
    expect((await begin(['whoami'], { env: { REELAY_TOKEN: 'nonsense' } }).ended).code).toBe(5);
  });

  it('says what runs', async () => {
    const { code, out } = await reelay('status');
    expect(code).toBe(0);
    for (const word of ['gateway', 'scheduler', 'agent', 'postgres', 'nats', 'a scheduler leads', '1 of 1 healthy', '0 pending']) expect(out).toContain(word);
    const status = await json<{ state: string; process: { pid: number }; services: { name: string; pid: number }[]; nodes: { data: Node[] } }>('status');
    expect(status).toMatchObject({ state: 'ok', nodes: { data: [{ id: 'local', health: 'healthy' }] } });
    const pids = processesOf(folder).map(({ pid }) => pid);
    for (const pid of [status.process.pid, ...status.services.map((service) => service.pid)]) expect(pids).toContain(pid);
    expect(status.services.map(({ name }) => name)).toEqual(['gateway', 'scheduler', 'agent']);
    expect(out).not.toContain('\u001b');
  });

  it('finds a running system well', async () => {
    const { code, out } = await reelay('doctor', '--json');
    const report = JSON.parse(out) as { checks: { id: string; findings: { verdict: string; message: string }[] }[] };
    const of = (id: string) => report.checks.find((check) => check.id === id)?.findings.map(({ verdict, message }) => `${verdict}: ${message}`).join('\n') ?? '';
    expect(report.checks.flatMap(({ findings }) => findings).filter(({ verdict }) => verdict === 'fail')).toEqual([]);
    expect(code).toBe(0);
    expect(of('postgres')).toContain('ok: Postgres 1');
    expect(of('nats.server')).toContain('ok: NATS lets the hub in');
    expect(of('gateway.ready')).toContain('ok: 1 of 1 nodes are healthy');
    expect(of('leftovers')).toBe('ok: No process of an earlier run is left');
  });

  it('uploads a video and looks at it', async () => {
    const clip = await makeClip(join(folder, 'a film.mp4'), { seconds: 60, size: '1280x720' });
    video = await json<Video>('videos', 'upload', clip);
    expect((await json<Page<Video>>('videos', 'ls')).data.map(({ id }) => id)).toEqual([video.id]);
    expect(await json('videos', 'show', video.id)).toMatchObject({ filename: 'a film.mp4' });
    expect((await reelay('videos', 'show', '00000000-0000-7000-8000-000000000000')).code).toBe(4);
    expect((await reelay('videos', 'upload', join(folder, 'nothing.mp4'))).code).toBe(2);
  });

  it('files jobs, waits for them and ends as they end', async () => {
    const done = await reelay('videos', 'scan', '--wait', '--json');
    expect(done.code, done.err).toBe(0);
    expect(JSON.parse(done.out)).toMatchObject({ type: 'scan', status: 'completed', params: { directoryType: 'videos' } });
    const failed = await reelay('jobs', 'create', 'reencode_streaming', '--params', '{"inputPath":"inbox/nothing.mp4"}', '--max-retries', '0', '--wait');
    expect([2, 4, 7]).toContain(failed.code);
    const late = await reelay('jobs', 'create', 'reencode_streaming', '-p', `videoId=${video.id}`, '-p', 'preset=veryslow', '--wait', '--timeout', '1');
    expect(late.code).toBe(9);
    const { data } = await json<Page<Job>>('jobs', 'ls', '--status', 'pending,queued,running', '--type', 'reencode_streaming');
    expect(data.length).toBe(1);
    expect((await reelay('jobs', 'cancel', data[0]?.id ?? '')).code).toBe(0);
    const cancelled = await encode(video.id);
    const waiting = begin(['jobs', 'logs', '-f', cancelled.id]);
    expect((await reelay('jobs', 'cancel', cancelled.id)).code).toBe(0);
    const { code, err } = await waiting.ended;
    expect([code, err]).toEqual([0, expect.stringContaining('was cancelled')]);
  });

  it('says in the API’s words what is wrong with a job', async () => {
    const wrong = await reelay('jobs', 'create', 'reencode_streaming', '-p', `videoId=${video.id}`, '-p', 'crf=low', '-p', 'nonsense=1');
    expect([wrong.code, wrong.out]).toEqual([2, '']);
    expect(wrong.err).toContain('params.crf');
    expect(wrong.err).toContain('params.nonsense: is not a known parameter');
    expect((await reelay('jobs', 'show', '00000000-0000-7000-8000-000000000000')).code).toBe(4);
  });

  it('changes jobs, named by the beginning of their id', async () => {
    const { id } = await encode(video.id);
    await untilRuns(id);
    expect(await json('jobs', 'pause', id)).toEqual({ id, status: 'paused' });
    expect(await json('jobs', 'resume', id)).toEqual({ id, status: 'running' });
    expect(await json('jobs', 'priority', id.slice(0, 35), '2')).toMatchObject({ id, priority: 2 });
    expect((await reelay('jobs', 'show', id.slice(0, 4))).code).toBe(2);
    const show = await reelay('jobs', 'show', id.slice(0, 30));
    expect(show.out).toContain(id);
    expect(await json('nodes', 'ps', 'local')).toMatchObject({ nodeId: 'local', data: expect.arrayContaining([expect.objectContaining({ job: expect.objectContaining({ jobId: id }) as unknown })]) as unknown });
    expect((await json<JobStats>('jobs', 'stats')).running).toBe(1);
    expect(await json('jobs', 'cancel', id)).toMatchObject({ id, status: 'cancelled' });
    const late = await reelay('jobs', 'cancel', id);
    expect([late.code, late.out]).toEqual([8, '']);
    expect((await reelay('jobs', 'retry', id)).code).toBe(8);
  });

  it('follows a log through a restart of the gateway, each line once, to the end of the job', async () => {
    const { id } = await encode(video.id);
    const following = begin(['jobs', 'logs', '--follow', id]);
    const watching = begin(['jobs', 'ls', '--watch', '--json', '--type', 'reencode_streaming']);
    await untilRuns(id);
    await vi.waitFor(() => expect(following.out()).toContain('FFmpeg command'), { timeout: 30_000 });
    const before = await json<{ services: { name: string; pid: number }[] }>('status');
    const pid = before.services.find(({ name }) => name === 'gateway')?.pid ?? 0;
    process.kill(pid, 'SIGKILL');
    await vi.waitFor(() => expect(following.err()).toContain('trying again'), { timeout: 30_000 });
    await vi.waitFor(async () => expect((await reelay('status')).code).toBe(0), { timeout: 60_000, interval: 500 });
    expect((await reelay('jobs', 'cancel', id)).code).toBe(0);
    const followed = await following.ended;
    expect(followed.code, followed.err).toBe(0);
    const whole = await reelay('jobs', 'logs', id);
    expect(followed.out).toBe(whole.out);
    expect(followed.out).toContain('--- JOB CANCELLED BY ADMIN ---');
    await vi.waitFor(() => expect(watching.out()).toMatch(new RegExp(`"id":"${id}".*"status":"cancelled"`)), { timeout: 30_000 });
    watching.child.kill('SIGTERM');
    await watching.ended;
    for (const line of watching.out().trim().split('\n')) expect(() => void JSON.parse(line)).not.toThrow();
  });

  it('takes the node out and puts it back', async () => {
    expect(await json('nodes', 'drain', 'local', '--wait', '--timeout', '30')).toMatchObject({ adminState: 'draining' });
    const { id } = await json<Job>('jobs', 'create', 'scan');
    await vi.waitFor(async () => expect((await json<JobDetail>('jobs', 'show', id)).waitingReason).toMatch(/drain/), { timeout: 30_000, interval: 200 });
    expect(await json('nodes', 'cordon', 'local')).toMatchObject({ adminState: 'cordoned' });
    expect(await json('nodes', 'resume', 'local')).toMatchObject({ adminState: 'active' });
    const logs = await reelay('jobs', 'logs', '-f', id);
    expect([logs.code, logs.err]).toEqual([0, expect.stringContaining('has completed')]);
    expect((await reelay('nodes', 'drain', 'nobody')).code).toBe(4);
  });

  it('has the settings read again, and says what became of it', async () => {
    const { code, out } = await reelay('reload');
    expect([code, out]).toEqual([0, expect.stringContaining('settings reloaded')]);
  });

  it('signs out, also at the gateway', async () => {
    expect((await reelay('logout')).code).toBe(0);
    expect((await reelay('whoami')).code).toBe(5);
    expect((await reelay('whoami', '--token-file', join(folder, 'token'))).code).toBe(5);
  });

  it('stops a system, and leaves nothing', async () => {
    const stopped = await json<{ stopped: boolean; killed: number[] }>('stop');
    expect(stopped).toMatchObject({ stopped: true, killed: [] });
    expect(processesOf(folder)).toEqual([]);
    expect((await readdir(join(folder, 'data'))).filter((name) => name === 'launcher.pid' || name === 'instance.json')).toEqual([]);
    expect((await reelay('stop')).code).toBe(3);
    expect(await readdir(elsewhere)).toEqual([]);
  });

  it('runs in the terminal like the program itself: signals pass through, and so does the exit code', async () => {
    const running = begin(['start']);
    await vi.waitFor(() => expect(running.out()).toContain('Reelay is ready'), { timeout: 60_000 });
    // No process between the terminal and the system: systemd and npx signal the one they started.
    expect((await json<{ process: { pid: number } }>('status')).process.pid).toBe(running.child.pid);
    running.child.kill('SIGINT');
    expect((await running.ended).code).toBe(0);
    expect(processesOf(folder)).toEqual([]);
    const refused = await reelay('gateway');
    expect([refused.code, refused.err]).toEqual([78, expect.stringContaining('gateway: cannot start: DATABASE_URL')]);
  });

  it('ends by force what does not want to end', async () => {
    expect((await reelay('start', '--detach')).code).toBe(0);
    const { process: system } = await json<{ process: { pid: number } }>('status');
    process.kill(system.pid, 'SIGSTOP');
    const slow = await reelay('stop', '--timeout', '1');
    expect([slow.code, slow.err]).toEqual([9, expect.stringContaining(String(system.pid))]);
    expect((await reelay('stop', '--timeout', '1', '--force')).code).toBe(0);
    await vi.waitFor(() => expect(processesOf(folder)).toEqual([]), { timeout: 20_000 });
  });
});
