/**
 * A small service with children of every kind, built from the same parts as the node agent: lock, guardian, sweep, supervisor, orderly
 * stop. What it starts and ends it is told; what it must survive it is not.
 */
import { acquireGuardian, type App, CancelledByUser, ClientGone, type Ctx, Drained, MemoryPressure, newId, ReelayError, runMain, Shutdown } from '@reelay/runtime';
import { type Exit, type Proc, SpawnRefused, Supervisor, sweepOrphans } from '@reelay/runtime/supervisor';
import type { ChildEnd, ChildSpec, FromDriver, ToDriver, WayInside } from './driver-messages.ts';

const MIB = 1024 ** 2;

interface Child {
  ctx: Ctx;
  proc: Proc;
  endedMs?: number;
}

const say = (message: FromDriver): void => {
  if (process.connected) process.send?.(message, () => {});
};

const WAYS: Record<WayInside, (child: Child) => unknown> = {
  cancel: ({ ctx }) => ctx.cancel(new CancelledByUser()),
  terminate: ({ proc }) => void proc.terminate(new ClientGone()),
  kill: ({ proc }) => proc.killNow(new MemoryPressure()),
  freezeAndTerminate: ({ proc }) => {
    proc.freeze();
    void proc.terminate(new Drained());
  },
};

class Driver {
  readonly #children = new Map<string, Child>();
  readonly #hoard: unknown[] = [];

  constructor(readonly app: App, readonly supervisor: Supervisor) {}

  take(message: ToDriver): void {
    if (message.kind === 'start') this.#start(message.id, message.spec, message.endAtOnce);
    else if (message.kind === 'end') this.#end(message.id, message.way);
    else if (message.kind === 'eat') setInterval(() => this.#hoard.push(message.what === 'buffers' ? Buffer.alloc(16 * MIB, 1) : Array.from({ length: MIB / 8 }, () => ({}))), 1);
    else if (message.kind === 'throw') setImmediate(() => this.#fail());
    else setImmediate(() => say({ kind: 'settled', children: this.supervisor.alive.length }));
  }

  #fail(): never {
    throw new Error('thrown by order');
  }

  #start(id: string, { stdout, ...spec }: ChildSpec, endAtOnce?: WayInside): void {
    const ctx = this.app.ctx.child(id);
    let alive = false;
    const heard = (): void => {
      if (!alive) say({ kind: 'alive', id });
      alive = true;
    };
    try {
      const proc = this.supervisor.spawn(ctx, { ...spec, name: id, kind: 'batch', group: 'own', stdout: stdout === 'ignore' ? 'ignore' : 'pipe', onStderrLine: heard });
      if (stdout === 'read') proc.stdout.resume();
      const child: Child = { ctx, proc };
      this.#children.set(id, child);
      say({ kind: 'started', id, pid: proc.pid });
      void proc.exit.then((exit) => this.#ended(id, child, exit));
      if (endAtOnce) this.#end(id, endAtOnce);
    } catch (error) {
      if (!(error instanceof SpawnRefused)) throw error;
      say({ kind: 'refused', id, code: error.code });
    }
  }

  #end(id: string, way: WayInside): void {
    const child = this.#children.get(id);
    if (!child) return;
    child.endedMs ??= performance.now();
    WAYS[way](child);
    say({ kind: 'told', id });
  }

  #ended(id: string, child: Child, exit: Exit): void {
    this.#children.delete(id);
    child.ctx.end();
    const end: ChildEnd = { kind: exit.kind, forced: child.proc.forced, tookMs: child.endedMs === undefined ? null : performance.now() - child.endedMs };
    if (exit.kind === 'code') end.code = exit.code;
    if (exit.kind === 'signal') end.signal = exit.signal;
    if (exit.cause instanceof ReelayError) end.cause = exit.cause.code;
    say({ kind: 'ended', id, end });
  }
}

void runMain({ name: 'driver', env: process.env, argv: [], stopMs: 10_000 }, async (app) => {
  const run = { dir: app.env['DRIVER_DIR'] ?? '', id: newId() };
  /** What an orderly stop gives to children that ignore SIGTERM. */
  const graceMs = Number(app.env['DRIVER_GRACE_MS'] ?? 500);
  const guardian = await acquireGuardian({ dir: run.dir, name: 'driver', runId: run.id, env: app.env });
  app.onStop('lock', () => guardian.release());
  void guardian.lost.then(() => app.stop(new Shutdown('the instance lock was lost'), 70));
  const swept = await sweepOrphans(run.dir, run.id);
  const supervisor = new Supervisor({ logger: app.logger, guardian, run, env: app.env });
  app.onKill(() => supervisor.killAll());
  app.onStop('children', () => supervisor.terminateAll(new Shutdown('the driver stops'), graceMs), graceMs + 2_500);
  const driver = new Driver(app, supervisor);
  process.on('message', (message: ToDriver) => driver.take(message));
  // Deaf to the end of the test: the driver is ended by a signal, never by its channel.
  const stay = setInterval(() => {}, 60_000);
  app.onStop('channel', () => {
    clearInterval(stay);
    if (process.connected) process.disconnect();
  });
  app.ready({ swept: swept.length });
});
