import type { Clock } from './clock.ts';
import type { Ctx } from './ctx.ts';

/** What `work` gives, or the cause when `ctx` ends first; the work itself goes on. Keeps nothing of a context that lives on. */
export function unlessCancelled<T>(ctx: Ctx, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const forget = ctx.onCancel(reject);
    work.then(resolve, reject).finally(forget);
  });
}

/** Waits `ms`. @throws the cause when `ctx` ends meanwhile */
export function sleep(ctx: Ctx, clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const callOff = clock.after(ms, () => {
      forget();
      resolve();
    });
    const forget = ctx.onCancel((cause) => {
      callOff();
      reject(cause);
    });
  });
}
