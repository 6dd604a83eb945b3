import { EventEmitter, once } from 'node:events';
import { createLogger, Ctx, Shutdown } from '@reelay/runtime';
import { Supervisor } from '@reelay/runtime/supervisor';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ManagedProcess, type ManagedProcessOptions } from './managed-process.ts';

let supervisor: Supervisor;
const logger = createLogger({ service: 'test', level: 'silent' });
beforeEach(() => {
  supervisor = new Supervisor({ logger, env: process.env });
});
afterEach(() => supervisor.terminateAll(new Shutdown('the test ends'), 100));

/** A shell program that counts as ready at its first line of output. */
const program = (script: string, more: Partial<ManagedProcessOptions> = {}): ManagedProcess => {
  const output = new EventEmitter();
  return new ManagedProcess({
    name: 'program', supervisor, logger, stopMs: () => 2_000,
    command: () => ({ name: 'program', argv0: 'sh', args: ['-c', script], group: 'own', onStdoutLine: () => output.emit('line'), onStderrLine: () => {} }),
    untilReady: async () => {
      await once(output, 'line');
    },
    ...more,
  });
};

it('fails to start with what the program said last', async () => {
  await expect(program('echo "cannot start: no disk" >&2; echo "  at line 1" >&2; exit 3').start(Ctx.root('test'))).rejects.toThrow('program ended while starting (exit code 3): cannot start: no disk');
});
it('tells of an end before the system is settled, and does not restart', async () => {
  const one = program('echo ready; read wait </dev/null; exit 4');
  await one.start(Ctx.root('test'));
  await expect(one.failedToStart).rejects.toThrow('exit code 4');
  expect(supervisor.stats().spawned).toBe(1);
});
it('starts it again after it was killed, until it is stopped', async () => {
  const one = program('echo ready; exec sleep 60');
  await one.start(Ctx.root('test'));
  one.settle();
  const first = one.proc?.pid ?? 0;
  process.kill(first, 'SIGKILL');
  await vi.waitFor(() => expect([undefined, first]).not.toContain(one.proc?.pid), { timeout: 10_000 });
  await one.stop();
  expect(one.proc).toBeUndefined();
  expect(supervisor.alive).toEqual([]);
  await one.stop();
});
it('asks with the signal the program wants, and kills what does not listen', async () => {
  const polite = program('trap "exit 0" INT; echo ready; while :; do sleep 0.02; done', { stopSignal: 'SIGINT' });
  await polite.start(Ctx.root('test'));
  const proc = polite.proc;
  await polite.stop();
  expect(await proc?.exit).toMatchObject({ kind: 'code', code: 0 });
  const deaf = program('trap "" INT TERM; echo ready; while :; do sleep 0.02; done', { stopSignal: 'SIGINT', stopMs: () => 50 });
  await deaf.start(Ctx.root('test'));
  await deaf.stop();
  expect(supervisor.alive).toEqual([]);
});
it('may be stopped before it was started', async () => {
  const one = program('echo ready; exec sleep 60');
  await one.stop();
  await expect(one.start(Ctx.root('test'))).rejects.toThrow('shutting down');
  expect(supervisor.stats().spawned).toBe(0);
});
