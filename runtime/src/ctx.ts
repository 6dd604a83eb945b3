import { Finished, TimedOut } from './causes.ts';
import { type Clock, systemClock } from './clock.ts';
import { sayDuration } from './duration.ts';

const MAX_LINES = 100;
/** One for all: where a request ended by itself is nobody's question, and a stack for each costs. */
const FINISHED = new Finished();

/**
 * A node of the cancellation tree.
 *
 *   live ──cancel(cause)──▶ cancelled     (once; the first cause wins; children follow with the same cause)
 *
 * A child detaches from its parent when it is cancelled, so a root that lives for months keeps nothing.
 * A deadline is the earliest of its own and those above it.
 * `AbortSignal.any` over such a root is not used: on Node 20 it retains one entry per request (measured).
 */
export class Ctx {
  readonly name: string;
  /** Made on first need: few requests have any. */
  #children: Set<Ctx> | undefined;
  readonly #listeners = new Set<(cause: Error) => void>();
  readonly #parent: Ctx | undefined;
  readonly #clock: Clock;
  readonly #startedMs: number;
  #cause: Error | undefined;
  /** Made on first need: most contexts are requests that nobody aborts, and making one costs more than all the rest. */
  #controller: AbortController | undefined;
  #ownDeadlineMs = Infinity;
  #done: Promise<Error> | undefined;

  private constructor(name: string, clock: Clock, parent?: Ctx) {
    this.name = name;
    this.#parent = parent;
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
    if (!parent) return;
    if (parent.cause) this.#cause = parent.cause;
    else (parent.#children ??= new Set()).add(this);
  }

  /** A context without a parent: one per process, and one per test. */
  static root(name = 'root', clock: Clock = systemClock): Ctx {
    return new Ctx(name, clock);
  }

  /** Always `cancel()` or `end()` a child when its work ends, also on success. */
  child(name: string): Ctx {
    return new Ctx(name, this.#clock, this);
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#cause !== undefined) this.#controller.abort(this.#cause);
    }
    return this.#controller.signal;
  }

  get cancelled(): boolean {
    return this.#cause !== undefined;
  }

  get cause(): Error | undefined {
    return this.#cause;
  }

  /** Resolves with the cause once cancelled; never rejects. */
  get done(): Promise<Error> {
    this.#done ??= new Promise((resolve) => {
      this.onCancel(resolve);
    });
    return this.#done;
  }

  /** Children that are still live. */
  get childCount(): number {
    return this.#children?.size ?? 0;
  }

  /** When its time is over, on the clock's `monotonicMs()`; Infinity without a limit. */
  get deadlineMs(): number {
    return Math.min(this.#ownDeadlineMs, this.#parent?.deadlineMs ?? Infinity);
  }

  /** Time left; 0 when it is over, Infinity without a limit. */
  get remainingMs(): number {
    return Math.max(0, this.deadlineMs - this.#clock.monotonicMs());
  }

  /** This context and what is live below it, a line each, for people: name, age, time left or cause. At most `limit` lines. */
  describe(limit = MAX_LINES): string[] {
    const lines: string[] = [];
    let hidden = 0;
    const visit = (ctx: Ctx, branch: string, below: string): void => {
      if (lines.length < limit) lines.push(`${branch}${ctx.#line()}`);
      else hidden += 1;
      const children = [...(ctx.#children ?? [])];
      for (const [index, child] of children.entries()) {
        const last = index === children.length - 1;
        visit(child, `${below}${last ? '└─ ' : '├─ '}`, `${below}${last ? '   ' : '│  '}`);
      }
    };
    visit(this, '', '');
    return hidden === 0 ? lines : [...lines, `… and ${hidden} more`];
  }

  #line(): string {
    const { cause, remainingMs } = this;
    const state = cause ? `, cancelled: ${cause.message}` : Number.isFinite(remainingMs) ? `, ${sayDuration(remainingMs)} left` : '';
    return `${this.name} (${sayDuration(this.#clock.monotonicMs() - this.#startedMs)}${state})`;
  }

  /** Calls `fn` once with the cause, at once when already cancelled. Returns how to take it back. */
  onCancel(fn: (cause: Error) => void): () => void {
    const { cause } = this;
    if (cause) {
      fn(cause);
      return () => {};
    }
    this.#listeners.add(fn);
    return () => {
      this.#listeners.delete(fn);
    };
  }

  /** Cancels this context and everything below it. Repeats are ignored. */
  cancel(cause: Error): void {
    if (this.#cause !== undefined) return;
    this.#cause = cause;
    if (this.#parent) this.#parent.#children?.delete(this);
    this.#controller?.abort(cause);
    const children = [...(this.#children ?? [])];
    const listeners = [...this.#listeners];
    this.#children?.clear();
    this.#listeners.clear();
    for (const child of children) child.cancel(cause);
    notify(listeners, cause);
  }

  /** Cancels with the cause `Finished`: the work ended by itself. */
  end(): void {
    this.cancel(FINISHED);
  }

  /** @throws the cause, when cancelled. Call it after every await that precedes an effect. */
  throwIfCancelled(): void {
    const { cause } = this;
    if (cause) throw cause;
  }

  /** Cancels with `TimedOut` after `limitMs`. Returns this context. */
  withTimeout(limitMs: number, clock: Clock = this.#clock): this {
    if (this.cancelled) return this;
    this.#ownDeadlineMs = Math.min(this.#ownDeadlineMs, this.#clock.monotonicMs() + limitMs);
    this.onCancel(clock.after(limitMs, () => this.cancel(new TimedOut(this.name, limitMs))));
    return this;
  }
}

/** Everybody hears of it, also after somebody who failed. @throws the first failure */
function notify(listeners: readonly ((cause: Error) => void)[], cause: Error): void {
  const failures: unknown[] = [];
  for (const listener of listeners) {
    try {
      listener(cause);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
