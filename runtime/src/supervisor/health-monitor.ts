import { MemoryPressure } from '../causes.ts';
import { type Clock, systemClock, waitAtMost } from '../clock.ts';
import type { Ctx } from '../ctx.ts';
import { toError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Service } from '../service.ts';
import type { Exit } from './exit.ts';
import { chooseVictims } from './memory/choose-victims.ts';
import { type MemoryLevel, type MemoryReading, nextLevel, scarcest } from './memory/memory-level.ts';
import { type MemorySamples, sampleMemory } from './memory/memory-sample.ts';
import type { ProcInfo } from './proc-info.ts';

/** What the monitor needs of a `Supervisor`. */
export interface Watched {
  inspect(): Promise<ProcInfo[]>;
  end(id: string, cause: Error, graceMs?: number): Promise<Exit> | null;
  endStrays(): Promise<void>;
}

export interface HealthMonitorOptions {
  supervisor: Watched;
  logger: Logger;
  clock?: Clock | undefined;
  /** From one look to the next; under pressure a quarter of it. Default 2 s. */
  intervalMs?: number | undefined;
  /** Where the memory's figures come from. */
  readMemory?: (() => MemorySamples) | undefined;
  /** Called at each change: at `soft` and above no new batch work should be taken. */
  onLevel?: ((level: MemoryLevel, reading: MemoryReading) => void) | undefined;
}

export interface HealthStats {
  level: MemoryLevel;
  /** Null until the first look, and where nothing is known. */
  memory: MemoryReading | null;
  /** Children ended for the memory's sake, and for their own limit. */
  shed: number;
  overLimit: number;
}

const DEFAULT_INTERVAL_MS = 2_000;
const HURRY = 4;
/** After an end the kernel needs a moment to take the memory back. */
const SETTLE_MS = 1_000;
/** Longer than that nobody is waited for: it is in an uninterruptible wait, and another one has to go. */
const LONGEST_END_MS = 10_000;
/** Less than the usual grace: what takes too much goes on taking meanwhile. */
const GRACE_MS = 1_000;
const STRAY_LOOKS = 5;
const BYTES_PER_MIB = 1_048_576;

/**
 * Looks at the children and at the memory now and then: ends who is over its memory limit, and under hard pressure one
 * child after the other until there is room again. Hung children and those over time are ended by their own watchdogs.
 *
 *   idle ──start()──▶ watching ──level hard──▶ shedding ──victim gone, settled──▶ watching
 *     └──────────────────└──────stop()──────────────└──────▶ stopped
 */
export class HealthMonitor implements Service {
  readonly name = 'health monitor';
  readonly #options: HealthMonitorOptions;
  readonly #clock: Clock;
  readonly #stopped = new Set<string>();
  #level: MemoryLevel = 'ok';
  #reading: MemoryReading | null = null;
  #last: { stalledUs: number; atMs: number } | undefined;
  #shedding = false;
  #settledMs = 0;
  #shed = 0;
  #overLimit = 0;
  #looks = 0;
  #running = false;
  #looking: Promise<void> = Promise.resolve();
  #callOff: () => void = () => {};

  constructor(options: HealthMonitorOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  get level(): MemoryLevel {
    return this.#level;
  }

  stats(): HealthStats {
    return { level: this.#level, memory: this.#reading, shed: this.#shed, overLimit: this.#overLimit };
  }

  start(ctx: Ctx): Promise<void> {
    if (this.#running || ctx.cancelled) return Promise.resolve();
    this.#running = true;
    ctx.onCancel(() => void this.stop());
    this.#plan();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.#callOff();
    await this.#looking;
  }

  /** One look now. Runs by itself after `start()`; never rejects. */
  async look(): Promise<void> {
    try {
      this.#watchMemory();
      const procs = await this.#options.supervisor.inspect();
      this.#endOverLimit(procs);
      this.#shedOne(procs);
      this.#noteStopped(procs);
      this.#looks += 1;
      if (this.#looks % STRAY_LOOKS === 0) await this.#options.supervisor.endStrays();
    } catch (thrown) {
      this.#options.logger.error({ err: toError(thrown) }, 'health check failed');
    }
  }

  #plan(): void {
    const intervalMs = this.#options.intervalMs ?? DEFAULT_INTERVAL_MS;
    this.#callOff = this.#clock.after(this.#level === 'ok' ? intervalMs : intervalMs / HURRY, () => {
      this.#looking = this.#lookAndPlan();
    });
  }

  async #lookAndPlan(): Promise<void> {
    await this.look();
    if (this.#running) this.#plan();
  }

  #watchMemory(): void {
    const { samples, stalledUs } = (this.#options.readMemory ?? sampleMemory)();
    const sample = scarcest(samples);
    const stalledPercent = this.#stalledSince(stalledUs);
    this.#reading = sample && { ...sample, stalledPercent };
    const before = this.#level;
    this.#level = this.#reading === null ? 'ok' : nextLevel(before, this.#reading);
    if (this.#level === before || this.#reading === null) return;
    this.#options.logger[this.#level === 'ok' ? 'info' : 'warn']({ level: this.#level, before, ...this.#reading }, 'memory pressure changed');
    this.#options.onLevel?.(this.#level, this.#reading);
  }

  /** From the kernel's running total: its own averages stay up for long after an end has helped. */
  #stalledSince(stalledUs: number | null): number | null {
    const last = this.#last;
    const atMs = this.#clock.monotonicMs();
    this.#last = stalledUs === null ? undefined : { stalledUs, atMs };
    if (stalledUs === null || last === undefined || atMs <= last.atMs) return null;
    return Math.min(100, Math.max(0, (stalledUs - last.stalledUs) / 1_000 / (atMs - last.atMs)) * 100);
  }

  /** A cgroup's limit is the kernel's to keep. */
  #endOverLimit(procs: readonly ProcInfo[]): void {
    for (const { id, state, rssBytes, limits } of procs) {
      if (state !== 'running' || rssBytes === null || limits.memoryMb === null || limits.memoryBy === 'cgroup') continue;
      const limitBytes = limits.memoryMb * BYTES_PER_MIB;
      if (rssBytes > limitBytes && this.#options.supervisor.end(id, new MemoryPressure({ rssBytes, limitBytes }), GRACE_MS)) this.#overLimit += 1;
    }
  }

  #shedOne(procs: readonly ProcInfo[]): void {
    if (this.#shedding || this.#reading === null || this.#clock.monotonicMs() < this.#settledMs) return;
    // Whoever is ending already frees memory without our help: wait for the effect.
    if (procs.some(({ state }) => state === 'terminating')) return;
    const [victim] = chooseVictims(procs, this.#level);
    if (victim === undefined) return;
    const { availableBytes, totalBytes, stalledPercent, source } = this.#reading;
    const cause = new MemoryPressure({ availableBytes, totalBytes, stalledPercent, source, usedBytes: victim.rssBytes });
    const exit = this.#options.supervisor.end(victim.id, cause, GRACE_MS);
    if (exit === null) return;
    this.#shed += 1;
    void this.#awaitEffect(exit);
  }

  async #awaitEffect(exit: Promise<Exit>): Promise<void> {
    this.#shedding = true;
    await waitAtMost(this.#clock, LONGEST_END_MS, exit);
    this.#shedding = false;
    this.#settledMs = this.#clock.monotonicMs() + SETTLE_MS;
  }

  /** A child that others stopped hangs until its watchdog ends it; said once, because nothing else would tell why. */
  #noteStopped(procs: readonly ProcInfo[]): void {
    const stopped = procs.filter(({ pid, frozen, state, members }) => state === 'running' && !frozen && members.find((member) => member.pid === pid)?.osState === 'T');
    for (const { id, name, pid, owner } of stopped) {
      if (!this.#stopped.has(id)) this.#options.logger.warn({ proc: name, pid, owner }, 'child was stopped from outside');
    }
    this.#stopped.clear();
    for (const { id } of stopped) this.#stopped.add(id);
  }
}
