/** Counts and latencies of a run, for docs/reliability.md. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the figures of a run are written; nothing is when it is not set. */
const FOLDER = process.env['REELAY_TORTURE_FIGURES'];

export interface Latency {
  count: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

export class Figures {
  readonly #counts = new Map<string, Map<string, number>>();
  readonly #times = new Map<string, number[]>();
  #wrong = 0;

  count(group: string, name: string, by = 1): void {
    const counts = this.#counts.get(group) ?? new Map<string, number>();
    counts.set(name, (counts.get(name) ?? 0) + by);
    this.#counts.set(group, counts);
  }

  took(name: string, ms: number): void {
    const times = this.#times.get(name) ?? [];
    times.push(ms);
    this.#times.set(name, times);
  }

  /** Takes what a part found wrong, for the count, and gives it back. */
  found(wrong: readonly string[]): readonly string[] {
    this.#wrong += wrong.length;
    return wrong;
  }

  /** Prints a summary, and writes all of it when a folder for it is given. */
  write(part: string, seed: number, tookMs: number): void {
    const counts = Object.fromEntries([...this.#counts].map(([group, counts]) => [group, Object.fromEntries([...counts].toSorted(([a], [b]) => a.localeCompare(b)))]));
    const latencies = Object.fromEntries([...this.#times].map(([name, times]) => [name, latencyOf(times)]));
    console.log(`${part}, seed ${seed}, ${Math.round(tookMs / 1000)} s:`, JSON.stringify({ counts, latencies }, null, 1));
    if (FOLDER === undefined) return;
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(join(FOLDER, `${part}.json`), `${JSON.stringify({ part, seed, tookSeconds: Math.round(tookMs / 1000), wrong: this.#wrong, date: new Date().toISOString().slice(0, 10), counts, latencies }, null, 2)}\n`);
  }
}

const latencyOf = (times: readonly number[]): Latency => {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 10) / 10;
  return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
};
