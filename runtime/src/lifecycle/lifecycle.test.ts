/** A service in every phase of its life, as a process of its own. */
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { spawn, spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { eventually } from '../test-support/eventually.ts';
import { bundleProgram, isGone } from '../test-support/processes.ts';
import { linesOf, Running } from '../test-support/running.ts';
import { findExecutable } from '../supervisor/command.ts';
import { readPidFile } from '../supervisor/pid-file.ts';

vi.setConfig({ testTimeout: 60_000 });

/** What it does in the phases of its life is told by MODE. */
const SERVICE = `
import { ConfigError, holdInstance, ReelayError, runMain, sleep } from './mod.ts';
class Unavailable extends ReelayError { code = 'x'; serviceExit = 69; }
const mode = process.env.MODE ?? '';
const log = (app, event) => app.logger.info({ event }, 'event');
void runMain({ name: 'demo', env: process.env, argv: process.argv.slice(2) }, async (app) => {
  await holdInstance(app, process.env.REELAY_DATA_DIR);
  app.onStop('first', () => log(app, 'first stopped'));
  if (mode === 'unavailable') throw new Unavailable('the thing is not there;\\n start it');
  if (mode === 'invalid') throw new ConfigError([{ name: 'PORT', message: 'expected a number' }, { name: 'HOST', message: 'is required' }]);
  if (mode === 'crash in start') { setTimeout(() => { throw new Error('boom'); }, 10); await new Promise(() => {}); }
  if (mode === 'waits') { app.logger.info('waiting'); await sleep(app.ctx, app.clock, 3600_000); }
  if (mode === 'waits stubbornly') { app.logger.info('waiting'); await new Promise((resolve) => setTimeout(resolve, 3600_000)); }
  if (mode === 'opens') {
    app.logger.info('waiting');
    await app.open('late', () => new Promise((resolve) => setTimeout(() => resolve('value'), 300)), (value) => log(app, 'late ' + value + ' closed'));
    log(app, 'went on');
  }
  if (mode === 'hangs') { app.onStop('hangs', () => new Promise(() => {})); app.onStop('hangs too', () => new Promise(() => {})); }
  if (mode === 'blocks') app.onStop('blocks', () => { for (;;); });
  if (mode === 'slow') app.onStop('slow', () => new Promise((resolve) => setTimeout(resolve, 1100)));
  if (mode === 'throws in stop') app.onStop('bad', async () => { setTimeout(() => { throw new Error('boom in stop'); }, 1); await new Promise((resolve) => setTimeout(resolve, 50)); });
  if (mode === 'rejects in stop') app.onStop('bad', async () => { void Promise.reject(new Error('boom in stop')); await new Promise((resolve) => setTimeout(resolve, 50)); });
  let reloads = 0;
  app.onReload(async () => {
    await new Promise((resolve) => setTimeout(resolve, mode === 'reloads slowly' ? 200 : 0));
    return () => { reloads += 1; log(app, 'reload ' + reloads); };
  });
  app.onDescribe('own', () => ({ reloads }));
  app.ctx.child('a session');
  app.ready({}, 'it is ready; the password is hidden-1234');
  if (mode === 'writes') setInterval(() => app.logger.info({ pad: 'x'.repeat(400) }, 'tick'), 2);
  else setInterval(() => {}, 1000);
});
`;

let dir: string;
let program: string;
let data: string;
let count = 0;
const running: Running[] = [];
const background: number[] = [];
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'reelay-lifecycle-'));
  program = join(dir, 'service.cjs');
  await bundleProgram(SERVICE, program);
});
afterEach(() => {
  for (const service of running.splice(0)) service.signal('SIGKILL');
  for (const pid of background.splice(0)) if (!isGone(pid)) process.kill(pid, 'SIGKILL');
});
afterAll(() => rmSync(dir, { recursive: true }));

function start(mode: string, args: string[] = [], env: Record<string, string> = {}): Running {
  data = join(dir, `data-${(count += 1)}`);
  const service = new Running(program, args, { MODE: mode, REELAY_DATA_DIR: data, REELAY_LOG_LEVEL: 'debug', ...env });
  running.push(service);
  return service;
}
const events = (service: Running): unknown[] => service.lines.filter(({ event }) => event !== undefined).map(({ event }) => event);

/** Runs a command in a terminal of its own; killing `script` closes that terminal. */
const inTerminal = (command: string, env: Record<string, string>) => spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'ignore', 'ignore'], env: { ...process.env, ...env } });

describe('a start that fails', () => {
  test.each([
    ['unavailable', 69, ['demo: cannot start: the thing is not there; start it']],
    ['invalid', 78, ['demo: cannot start: PORT: expected a number', 'demo: cannot start: HOST: is required']],
    ['crash in start', 70, ['demo: crashed: boom']],
  ])('%s: its lines on stderr, exit %d, everything released', async (mode, code, lines) => {
    const service = start(mode);
    expect(await service.exit).toBe(code);
    expect(service.stderr.trimEnd().split('\n')).toEqual(lines);
    expect(events(service)).toEqual(['first stopped']);
    expect(service.messages).toContainEqual({ failed: lines, exitCode: code });
    expect(readdirSync(data)).toEqual([]);
  });

  test('a second instance names the first one and exits 75', async () => {
    const first = start('');
    await first.line('ready');
    const second = new Running(program, [], { MODE: '', REELAY_DATA_DIR: data });
    expect(await second.exit).toBe(75);
    expect(second.stderr).toBe(`demo: cannot start: demo already runs on ${data} (process ${first.pid}); stop it first\n`);
    expect((await readPidFile(join(data, 'demo.pid')))?.pid).toBe(first.pid);
  });

  test('an argument that it does not know is named', async () => {
    const service = start('', ['--detatch']);
    expect(await service.exit).toBe(78);
    expect(service.stderr).toMatch(/^demo: cannot start: Unknown option '--detatch'; it takes --detach and --log-file PATH/);
  });
});

describe('a signal', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('%s while the start waits ends it in good order', async (name) => {
    for (const mode of ['waits', 'waits stubbornly']) {
      const service = start(mode);
      await service.line('waiting');
      service.signal(name);
      expect(await service.exit).toBe(0);
      expect(events(service)).toEqual(['first stopped']);
      expect(service.stderr).toBe('');
      expect(readdirSync(data)).toEqual([]);
    }
  });

  test('while something is being opened: it is closed again, and the start goes no further', async () => {
    const service = start('opens');
    await service.line('waiting');
    service.signal('SIGTERM');
    expect(await service.exit).toBe(0);
    expect(events(service)).toEqual(['late value closed', 'first stopped']);
  });

  test('HUP while starting is a reload after the start; several come one after the other; none comes during a stop', async () => {
    const early = start('opens');
    await early.line('waiting');
    early.signal('SIGHUP');
    await early.line('reloaded');
    expect(events(early)).toEqual(['went on', 'reload 1']);
    const service = start('reloads slowly');
    await service.line('ready');
    service.signal('SIGHUP');
    await service.line('reloaded');
    service.signal('SIGHUP');
    service.signal('SIGTERM');
    expect(await service.exit).toBe(0);
    expect(events(service)).toEqual(['reload 1', 'first stopped']);
  });

  test('QUIT ends at once', async () => {
    const service = start('hangs');
    await service.line('ready');
    service.signal('SIGQUIT');
    expect(await service.exit).toBe(1);
    expect(await service.line('ending at once')).toMatchObject({ reason: 'SIGQUIT' });
  });

  test('USR1 opens no debugger', async () => {
    const service = start('hangs');
    await service.line('ready');
    service.signal('SIGUSR1');
    service.signal('SIGUSR2');
    await service.line('description');
    service.signal('SIGQUIT');
    await service.exit;
    expect(service.stderr).not.toContain('Debugger');
  });

  test('USR2 tells the stop order, contexts, handles and what was added', async () => {
    const service = start('hangs');
    expect(await service.line('stop order')).toMatchObject({ stopOrder: [{ name: 'hangs too', deadlineMs: 5000 }, { name: 'hangs', deadlineMs: 5000 }, { name: 'first', deadlineMs: 5000 }, { name: 'instance lock', deadlineMs: 1000 }] });
    service.signal('SIGUSR2');
    const description = await service.line('description');
    expect(description).toMatchObject({ phase: 'running', shutdownMs: 10_000, own: { reloads: 0 } });
    expect(JSON.stringify(description['contexts'])).toContain('a session');
    expect(Object.keys(description['handles'] as object)).toContain('Timeout');
  });
});

describe('a stop', () => {
  test('is over in time when steps hang, and those below them still run', async () => {
    const service = start('hangs', [], { SHUTDOWN_TIMEOUT: '1' });
    await service.line('ready');
    const startedMs = performance.now();
    service.signal('SIGTERM');
    expect(await service.exit).toBe(1);
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    expect(events(service)).toEqual(['first stopped']);
    expect(readdirSync(data)).toEqual([]);
  });

  test('is over even when a step blocks the thread', async () => {
    const service = start('blocks', [], { SHUTDOWN_TIMEOUT: '0.5' });
    await service.line('ready');
    service.signal('SIGTERM');
    expect(await service.exit).toBe('SIGKILL');
  });

  test('tells of a step that took more than a second', async () => {
    const service = start('slow', [], { REELAY_LOG_LEVEL: 'info' });
    await service.line('ready');
    service.signal('SIGTERM');
    expect(await service.exit).toBe(0);
    expect(await service.line('stop step was slow')).toMatchObject({ step: 'slow' });
  });

  test.each(['throws in stop', 'rejects in stop'])('goes on after an error that nobody catches (%s), and exits 70', async (mode) => {
    const service = start(mode);
    await service.line('ready');
    service.signal('SIGTERM');
    expect(await service.exit).toBe(70);
    expect(await service.line('uncaught error')).toMatchObject({ err: { message: 'boom in stop' } });
    expect(events(service)).toEqual(['first stopped']);
    expect(readdirSync(data)).toEqual([]);
  });
});

describe('a log that cannot be written', () => {
  test('does no harm: a full disk', async () => {
    const service = start('writes', ['--log-file', '/dev/full']);
    await eventually(() => expect(service.messages).toHaveLength(1));
    service.signal('SIGTERM');
    expect(await service.exit).toBe(0);
    expect(readdirSync(data)).toEqual([]);
  });
  test('does no harm: the reader is gone', async () => {
    const service = start('writes');
    await service.line('tick');
    service.process.stdout?.destroy();
    service.process.stderr?.destroy();
    service.signal('SIGTERM');
    expect(await service.exit).toBe(0);
    expect(readdirSync(data)).toEqual([]);
  });
  test('is said when its file cannot be opened', async () => {
    const service = start('', ['--log-file', join(program, 'x.log')]);
    expect(await service.exit).toBe(78);
    expect(service.stderr).toBe(`demo: cannot start: the log file ${join(program, 'x.log')} cannot be written: a file is in its place (EEXIST)\n`);
  });
});

describe('--log-file', () => {
  test('is put aside when it has grown, so many are kept, and no line is lost', async () => {
    const file = join(dir, 'rotated.log');
    const service = start('writes', ['--log-file', file], { REELAY_LOG_MAX_MB: '0.01', REELAY_LOG_KEEP: '3' });
    await eventually(() => expect(readdirSync(dir).filter((name) => name.startsWith('rotated.log')).toSorted()).toEqual(['rotated.log', 'rotated.log.1', 'rotated.log.2', 'rotated.log.3']));
    service.signal('SIGTERM');
    expect(await service.exit).toBe(0);
    const names = readdirSync(dir).filter((name) => name.startsWith('rotated.log')).toSorted();
    expect(names).toHaveLength(4);
    for (const name of names) for (const line of readFileSync(join(dir, name), 'utf8').trimEnd().split('\n')) expect(() => JSON.parse(line) as unknown, name).not.toThrow();
    expect(names.flatMap((name) => linesOf(readFileSync(join(dir, name), 'utf8'))).map(({ msg }) => msg)).toContain('stopped');
    expect(service.stdout).toBe('');
  });

  test('is opened anew on HUP', async () => {
    const file = join(dir, 'moved.log');
    const service = start('', ['--log-file', file]);
    await eventually(() => expect(linesOf(readFileSync(file, 'utf8')).map(({ msg }) => msg)).toContain('ready'));
    renameSync(file, `${file}.old`);
    writeFileSync(file, '');
    service.signal('SIGHUP');
    await eventually(() => expect(linesOf(readFileSync(file, 'utf8')).map(({ msg }) => msg)).toContain('reloaded'));
  });
});

describe('--detach', () => {
  test('ends when the service is ready, which runs on in a session of its own', async () => {
    const parent = start('', ['--detach']);
    expect(await parent.exit).toBe(0);
    const { pid = 0 } = (await readPidFile(join(data, 'demo.pid'))) ?? {};
    background.push(pid);
    const log = join(data, 'logs', 'demo.log');
    expect(parent.stdout).toBe(`it is ready; the password is hidden-1234\ndemo runs in the background: process ${pid}, log ${log}\n`);
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [, , , , session, terminal] = stat.slice(stat.lastIndexOf(')')).split(' ');
    expect([session, terminal]).toEqual([String(pid), '0']);
    const text = readFileSync(log, 'utf8');
    expect(linesOf(text).map(({ msg }) => msg)).toContain('ready');
    expect(text).not.toContain('hidden-1234');
    process.kill(pid, 'SIGTERM');
    await eventually(() => expect(isGone(pid)).toBe(true));
    expect(readdirSync(data)).toEqual(['logs']);
  });

  test('passes on why it cannot start, and the exit code', async () => {
    const parent = start('unavailable', ['--detach']);
    expect(await parent.exit).toBe(69);
    expect([parent.stdout, parent.stderr]).toEqual(['', 'demo: cannot start: the thing is not there; start it\n']);
  });

  test('is refused while another runs', async () => {
    const first = start('');
    await first.line('ready');
    const second = new Running(program, ['--detach'], { MODE: '', REELAY_DATA_DIR: data });
    expect(await second.exit).toBe(75);
    expect(second.stderr).toContain(`(process ${first.pid})`);
  });

  test('a signal while it waits ends both', async () => {
    const parent = start('waits', ['--detach']);
    await eventually(() => expect(readFileSync(join(data, 'logs', 'demo.log'), 'utf8')).toContain('"waiting"'));
    const { pid = 0 } = (await readPidFile(join(data, 'demo.pid'))) ?? {};
    parent.signal('SIGINT');
    expect(await parent.exit).toBe(0);
    await eventually(() => expect(isGone(pid)).toBe(true));
  });
});

/** Some sandboxes have no pseudo terminals. */
const hasTerminals = findExecutable('script', process.env['PATH'] ?? '') !== null && spawnSync('script', ['-qec', 'true', '/dev/null'], { stdio: 'ignore' }).status === 0;
describe.runIf(hasTerminals)('in a terminal', () => {
  test('that is closed a service stops in good order; one in the background runs on', async () => {
    for (const detach of [false, true]) {
      data = join(dir, `terminal-${detach}`);
      const terminal = inTerminal(`exec '${process.execPath}' '${program}'${detach ? ' --detach; sleep 60' : ''}`.replace(/^exec (.*; sleep 60)$/, '$1'), { MODE: '', REELAY_DATA_DIR: data });
      const pid = await eventually(() => {
        const found = Number(readFileSync(join(data, 'demo.pid'), 'utf8').split('\n')[0]);
        if (detach && !readFileSync(join(data, 'logs', 'demo.log'), 'utf8').includes('"ready"')) throw new Error('not ready');
        return found;
      });
      background.push(pid);
      const closed = new Promise((resolve) => {
        terminal.once('exit', resolve);
      });
      terminal.kill('SIGKILL');
      await closed;
      if (detach) {
        process.kill(pid, 'SIGUSR2');
        await eventually(() => expect(readFileSync(join(data, 'logs', 'demo.log'), 'utf8')).toContain('"description"'));
        process.kill(pid, 'SIGTERM');
      }
      await eventually(() => expect(isGone(pid)).toBe(true));
      await eventually(() => expect(readdirSync(data)).toEqual(detach ? ['logs'] : []));
    }
  });
});
